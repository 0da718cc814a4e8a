// The conversations, in this browser only: all of them in localStorage (shared by its tabs), which one is open in sessionStorage (a tab's own).
window.releaseAssistant = (() => {
  const user = (document.cookie.match(/(?:^|; )release_assistant_user=([0-9a-f]+)/) || [])[1] || "";
  const key = `release-assistant:${user}`;
  return {
    kept: () => localStorage.getItem(key) || "",
    here: () => sessionStorage.getItem(key) || "",
    keep: (text) => {
      try {
        localStorage.setItem(key, text);
      } catch {
        // Full: the oldest conversation goes.
        const kept = JSON.parse(text);
        if (kept.conversations.length < 2) return;
        kept.conversations.pop();
        window.releaseAssistant.keep(JSON.stringify(kept));
      }
    },
    stay: (id) => sessionStorage.setItem(key, id || ""),
    save: (made) => {
      if (!made) return;
      const { name, type, data } = JSON.parse(made);
      const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([bytes], { type }));
      link.download = name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    },
  };
})();

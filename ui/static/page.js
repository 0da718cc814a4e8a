// What the page does without the server: citations find their place, buttons copy and ask, feedback is sent, files are saved.
// The place of a citation is in its link, #cite-DOCUMENT-START-END, in the offsets that every sentence of the pane carries.
() => {
  document.documentElement.lang = "LANGUAGE";
  const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  const tab = (name) => {
    document.getElementById("panes")?.setAttribute("data-tab", name);
    document.querySelectorAll("[data-act=tab]").forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.tab === name)));
  };
  tab("talk");

  // The sentences of the release that a citation covers.
  const covered = (link) => {
    const [, name, start, end] = (link.getAttribute("href") || "").match(/#cite-([0-9a-f]+)-(\d+)-(\d+)$/) || [];
    const all = name ? document.querySelectorAll(`.release[data-document="${name}"] .s`) : [];
    return [...all].filter((s) => +s.dataset.start < +end && +s.dataset.end > +start);
  };

  const show = (link) => {
    document.querySelectorAll(".release .s").forEach((s) => s.classList.remove("cited", "beside"));
    const marked = covered(link);
    if (!marked.length) return;
    tab("text");
    link.closest(".answer")?.querySelectorAll("a.cite").forEach((other) => covered(other).forEach((s) => s.classList.add("beside")));
    marked.forEach((s) => s.classList.replace("beside", "cited") || s.classList.add("cited"));
    marked[0].scrollIntoView({ block: "center", behavior: calm() ? "auto" : "smooth" });
  };

  // One tip for all citations, above everything, beside the marker that is pointed at or focused.
  const tip = document.querySelector(".gradio-container").appendChild(Object.assign(document.createElement("div"), { id: "cite-tip", hidden: true }));
  tip.setAttribute("role", "tooltip");
  const hint = (link) => {
    tip.innerHTML = link.querySelector(".tip").innerHTML;
    tip.className = link.className;
    tip.hidden = false;
    const at = link.getBoundingClientRect(), own = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(at.left, innerWidth - own.width - 8))}px`;
    tip.style.top = `${at.bottom + own.height + 12 < innerHeight ? at.bottom + 6 : Math.max(8, at.top - own.height - 6)}px`;
    link.setAttribute("aria-describedby", tip.id);
  };
  const unhint = () => { tip.hidden = true; };
  document.addEventListener("mouseover", (event) => {
    const link = event.target.closest?.("a.cite");
    if (link) hint(link);
    else if (!event.target.closest?.("#cite-tip")) unhint();
  });
  document.addEventListener("focusin", (event) => (event.target.matches?.("a.cite") ? hint(event.target) : unhint()));
  addEventListener("scroll", unhint, true);

  const fill = (text) => {
    const box = document.querySelector("#box textarea, #box input");
    box.value = text;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    box.focus();
    tab("talk");
  };

  // The sentences of the release that the selection touches: where the first begins and the last ends.
  const selected = () => {
    const selection = getSelection();
    if (!selection.rangeCount || selection.isCollapsed) return {};
    const touched = [...document.querySelectorAll(".release .s")].filter((s) => selection.containsNode(s, true));
    const article = touched.length && touched[0].closest(".release");
    const own = touched.filter((s) => s.closest(".release") === article);
    if (!own.length) return {};
    return { start: +own[0].dataset.start, end: +own[own.length - 1].dataset.end, document: article.dataset.name };
  };

  const send = async (button) => {
    const form = button.closest(".feedback"), told = form.querySelector(".told");
    const chosen = form.querySelector("[data-verdict][aria-pressed=true]");
    const body = { ...JSON.parse(form.dataset.given), verdict: chosen.dataset.verdict };
    if (chosen.dataset.verdict === "wrong") Object.assign(body, { expected: form.querySelector("input").value.trim() }, selected());
    try {
      const reply = await fetch("/api/feedback", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
      if (!reply.ok) throw new Error(String(reply.status));
      told.textContent = told.dataset.sent;
      button.disabled = true;
    } catch {
      told.textContent = told.dataset.failed;
    }
  };

  const acts = {
    tab: (b) => tab(b.dataset.tab),
    edit: (b) => fill(b.dataset.text),
    ask: (b) => {
      fill(b.dataset.text);
      setTimeout(() => document.querySelector("#send").click(), 60); // once Gradio has seen what was typed
    },
    copy: async (b) => {
      await navigator.clipboard.writeText(b.dataset.text);
      const label = b.textContent;
      b.textContent = b.dataset.done;
      setTimeout(() => { b.textContent = label; }, 1500);
    },
    judge: (b) => {
      const form = b.closest(".feedback");
      form.querySelectorAll("[data-verdict]").forEach((o) => o.setAttribute("aria-pressed", String(o === b)));
      form.querySelector(".mend").hidden = b.dataset.verdict !== "wrong";
      form.querySelector(".send").disabled = false;
    },
    send,
  };

  document.addEventListener("mousedown", (event) => {
    // A click on "send" must not lose the passage that is selected.
    if (event.target.closest?.("[data-act=send]")) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a.cite");
    if (link) {
      event.preventDefault();
      show(link);
      return;
    }
    const button = event.target.closest?.("[data-act]");
    if (button && !button.disabled) acts[button.dataset.act]?.(button);
  }, true);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") unhint();
  });
}

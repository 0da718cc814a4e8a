// A click on a citation scrolls to its sentences in the release and marks them. The place is in the link:
// #cite-DOCUMENT-START-END, in the offsets that every sentence of the pane carries.
() => {
  document.documentElement.lang = "en";
  document.addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest("a.cite");
    if (!link) return;
    event.preventDefault();
    const [, name, start, end] = (link.getAttribute("href") || "").match(/#cite-([0-9a-f]+)-(\d+)-(\d+)$/) || [];
    document.querySelectorAll(".release .s.cited").forEach((s) => s.classList.remove("cited"));
    const pane = name && document.querySelector(`.release[data-document="${name}"]`);
    if (!pane) return;
    const marked = [...pane.querySelectorAll(".s")].filter((s) => +s.dataset.start < +end && +s.dataset.end > +start);
    marked.forEach((s) => s.classList.add("cited"));
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (marked.length) marked[0].scrollIntoView({ block: "center", behavior: calm ? "auto" : "smooth" });
  }, true);
}

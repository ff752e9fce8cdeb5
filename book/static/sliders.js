// ipywidgets draws its sliders as <div role="slider"> without a name. Give each handle the text of its label and, as
// its value, the text that the slider shows: what a screen reader says when the handle is reached or moved.
function nameSliders() {
  for (const slider of document.querySelectorAll(".widget-slider")) {
    const label = slider.querySelector(".widget-label");
    const readout = slider.querySelector(".widget-readout");
    const handle = slider.querySelector("[role=slider]");
    if (!handle || !label) continue;
    const set = (name, value) => {
      if (handle.getAttribute(name) !== value) handle.setAttribute(name, value);
    };
    set("aria-label", label.textContent.trim());
    if (readout) set("aria-valuetext", readout.textContent.trim());
  }
}

// The widget manager sets formulas in labels with the interface of MathJax 2; this book has MathJax 3.
function bridgeMathJax() {
  if (!window.MathJax || window.MathJax.Hub) return;
  window.MathJax.Hub = { Queue: ([, , element]) => window.MathJax.typesetPromise([element]) };
}

document.addEventListener("DOMContentLoaded", () => {
  bridgeMathJax();
  nameSliders();
  new MutationObserver(nameSliders).observe(document.body, {
    childList: true,
    subtree: true,
    characterData: true,
    attributes: true,
    attributeFilter: ["aria-valuetext"],
  });
});

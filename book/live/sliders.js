// A group of labelled sliders, one a row.

export class Sliders {
  // `rows`: { label, low, high, middle }. `onSlide(row, value)` while one is moved, `onDone()` when it is let go.
  constructor(parent, rows, { onSlide, onDone }) {
    parent.replaceChildren();
    this.rows = rows.map((row, i) => {
      const label = document.createElement("label");
      const name = document.createElement("span");
      name.textContent = row.label;
      const input = document.createElement("input");
      Object.assign(input, { type: "range", min: row.low, max: row.high, step: (row.high - row.low) / 200 });
      input.title = row.title ?? "";
      const output = document.createElement("span");
      output.className = "ex-value";
      output.setAttribute("aria-hidden", "true"); // the slider itself says it
      label.append(name, input, output);
      parent.append(label);
      input.addEventListener("input", () => {
        this.#say(i, input.valueAsNumber);
        onSlide(i, input.valueAsNumber);
      });
      input.addEventListener("change", onDone);
      return { input, output };
    });
    this.at = rows;
  }

  // Put every slider, but the one that is held, where its value is.
  set(values, held = -1) {
    values.forEach((value, i) => {
      if (i === held) return;
      this.rows[i].input.value = value;
      this.#say(i, value);
    });
  }

  #say(i, value) {
    const { input, output } = this.rows[i];
    const text = (value - (this.at[i].middle ?? 0)).toFixed(1).replace("-", "−").replace("−0.0", "0.0");
    output.textContent = text;
    input.setAttribute("aria-valuetext", text);
  }
}

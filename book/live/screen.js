// A canvas that shows one face at a time, the one asked for last.

export class Screen {
  constructor(canvas, onError = () => {}) {
    this.canvas = canvas;
    this.onError = onError;
    this.context = canvas.getContext("2d");
    this.context.imageSmoothingQuality = "high";
    this.small = document.createElement("canvas");
  }

  // Draw a face of a model; of those that arrive while one is drawn, only the last is drawn. `key` says what is shown.
  show(model, z, key = "") {
    if (key && key === this.canvas.dataset.shown && !this.wanted) return this.busy;
    this.wanted = { model, z, key };
    this.busy ??= this.#work().finally(() => (this.busy = null));
    return this.busy;
  }

  async #work() {
    while (this.wanted) {
      const job = this.wanted;
      const picture = await job.model.decode(job.z).catch((error) => this.onError(error));
      if (!this.wanted) return; // cleared meanwhile
      if (this.wanted === job) this.wanted = null;
      if (!picture) continue;
      this.put(picture);
      this.canvas.dataset.shown = job.key;
    }
  }

  put(picture) {
    [this.small.width, this.small.height] = [picture.width, picture.height];
    this.small.getContext("2d").putImageData(picture, 0, 0);
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height); // or edges shine through
    this.context.drawImage(this.small, 0, 0, this.canvas.width, this.canvas.height);
  }

  clear() {
    this.wanted = null;
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.canvas.dataset.shown = "";
  }
}

// A button that shows a face, for shelf and slots.
export function faceButton(model, z, label) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "ex-thumb";
  button.setAttribute("aria-label", label);
  button.title = label;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 128;
  button.append(canvas);
  model.picture(z).then(
    (picture) => new Screen(canvas).put(picture),
    () => {}, // the large pictures tell of it
  );
  return button;
}

// The latent explorer: the state of the page, and what each control does to it.

import { fromAddress, toAddress } from "./address.js";
import { History } from "./history.js";
import { arithmetic, dot, gaussian, holdingOthers, lerp, moved, onGrid, slerp } from "./latent.js";
import { Model, catalog, warmUp } from "./model.js";
import { Photo } from "./photo.js";
import { Screen, faceButton } from "./screen.js";
import { Sliders } from "./sliders.js";

const AXES = 8; // raw axes at a time
const ROUNDS = 10; // faces that two backends are timed with
const root = document.getElementById("explorer");
const find = (selector) => root.querySelector(selector);
const on = (selector, event, handler) => find(selector).addEventListener(event, handler);
// A button that can do nothing now keeps its place in the order of the keyboard.
const enable = (selector, can) => find(selector).setAttribute("aria-disabled", !can);
const same = (one, other) => one.length === other.length && one.every((value, i) => value === other[i]);

class Explorer {
  constructor(models) {
    this.models = models; // name → Model
    this.lengths = Object.fromEntries(Object.values(models).map((model) => [model.name, model.latentDim]));
    const screen = (selector) => new Screen(find(selector), (error) => this.say(`No face: ${error.message}`));
    this.face = screen(".ex-face");
    this.way = screen(".ex-way");
    this.sum = screen(".ex-sum");
    this.ends = Object.fromEntries(["a", "b"].map((end) => [end, screen(`[data-end=${end}] canvas`)]));
    this.photo = new Photo(find(".ex-crop"));
    this.firstAxis = 0;
  }

  // The model in use, and what the page holds of it: every model has a hand, a shelf and slots of its own.
  get model() {
    return this.models[this.history.state.model];
  }

  get desk() {
    return this.history.state.desks[this.model.name];
  }

  async start() {
    const { hash } = location;
    const asked = fromAddress(hash, this.lengths);
    const name = asked?.model ?? Object.keys(this.models)[0];
    await this.models[name].load();
    const desk = deskOf(this.models[name]);
    if (asked) desk.z = asked.z;
    this.history = new History({ model: name, desks: { [name]: desk } });
    this.listen();
    this.rebuild();
    if (!asked) this.tellOfAddress(hash);
    await this.face.busy;
  }

  // Change the desk of the model in use, as one step that can be undone.
  commit(change) {
    const { state } = this.history;
    const desk = { ...this.desk, ...change };
    this.history.commit({ ...state, desks: { ...state.desks, [this.model.name]: desk } });
    this.say("");
    this.update();
  }

  take(z) {
    const face = onGrid(z);
    if (same(face, this.desk.z)) this.update();
    else this.commit({ z: face });
  }

  // Use another model, with `z` in hand or what it had; of several asked for while one is fetched, the last.
  async choose(name, z) {
    const model = this.models[name];
    this.asked = name;
    if (name === this.model.name && !z) return this.say("");
    this.say(`Fetching ${model.title} …`);
    try {
      await model.load();
    } catch (error) {
      if (this.asked !== name) return;
      find(".ex-model").value = this.model.name;
      return this.say(`${model.title} could not be loaded: ${error.message}. The model before it is still here.`);
    }
    if (this.asked !== name) return;
    this.say("");
    const { state } = this.history;
    const desk = { ...(state.desks[name] ?? deskOf(model)), ...(z && { z: onGrid(z) }) };
    this.history.commit({ model: name, desks: { ...state.desks, [name]: desk } });
    this.rebuild();
  }

  // An address may also be that of a heading.
  tellOfAddress(hash) {
    if (hash.length < 2 || document.getElementById(hash.slice(1))) return;
    this.say("The address of this page holds no face that these models know.");
  }

  say(text) {
    find(".ex-status").textContent = text;
  }

  // --- showing

  // All controls, for another model.
  rebuild() {
    const { model } = this;
    find(".ex-model").value = model.name;
    const name = (row) => ({ label: row.slider, title: `${row.how}, accuracy ${row.accuracy.toFixed(2)}` });
    this.directions = new Sliders(
      find(".ex-directions"),
      model.directions.map((row) => ({ ...row, ...name(row) })),
      {
        onSlide: (i, value) => {
          const step = find(".ex-hold").checked ? holdingOthers(model.vectors, i) : model.vectors[i];
          this.preview(moved(this.desk.z, step, value - dot(this.desk.z, model.vectors[i])), i);
        },
        onDone: () => this.settle(),
      },
    );
    this.photo.marks = model.marks;
    if (this.photo.photo) this.reframe();
    this.firstAxis = 0;
    this.showAxes();
    this.update();
  }

  showAxes() {
    const { axes, latentDim } = this.model;
    const shown = axes.slice(this.firstAxis, this.firstAxis + AXES);
    this.axes = new Sliders(
      find(".ex-axes"),
      shown.map((axis) => ({ label: `z ${axis + 1}`, low: -4, high: 4 })),
      {
        onSlide: (i, value) => {
          const z = Float64Array.from(this.desk.z);
          z[shown[i]] = value;
          this.preview(z, -1, i);
        },
        onDone: () => this.settle(),
      },
    );
    this.shownAxes = shown;
    this.axes.set(shown.map((axis) => this.desk.z[axis]));
    enable(".ex-less", this.firstAxis > 0);
    enable(".ex-more", this.firstAxis + AXES < latentDim);
  }

  // A face while a slider is held.
  preview(z, direction = -1, axis = -1) {
    this.held = z;
    this.read(z, direction, axis);
    this.face.show(this.model, z);
  }

  // The slider is let go.
  settle() {
    if (this.held) this.take(this.held);
  }

  read(z, direction = -1, axis = -1) {
    const { vectors } = this.model;
    this.directions.set(
      vectors.map((vector) => dot(z, vector)),
      direction,
    );
    this.axes.set(
      this.shownAxes.map((i) => z[i]),
      axis,
    );
  }

  // Everything on the page says what the state says.
  update() {
    const { model, desk } = this;
    this.held = null;
    this.showAddress();
    this.read(desk.z);
    this.face.show(model, desk.z, this.address);
    find(".ex-face").setAttribute("aria-label", `The face in hand, by ${model.title}: ${this.words(desk.z)}`);
    enable(".ex-undo", this.history.past.length);
    enable(".ex-redo", this.history.future.length);
    this.fill(find(".ex-shelf"), desk.shelf, (face) => [face.z, face.label, "take in hand"], ({ z }) => this.take(z));
    for (const [end, screen] of Object.entries(this.ends)) {
      screen.show(model, desk[end], toAddress(model.name, desk[end]));
      screen.canvas.setAttribute("aria-label", `${end.toUpperCase()}: ${this.words(desk[end])}`);
    }
    find(".ex-t").value = desk.t;
    for (const radio of root.querySelectorAll("[name=ex-path]")) radio.checked = radio.value === desk.path;
    this.showWay(desk.t);
    for (const slot of root.querySelectorAll(".ex-slot")) {
      const name = slot.dataset.slot;
      const takeOut = (i) => {
        const { slots } = this.desk;
        this.commit({ slots: { ...slots, [name]: slots[name].filter((_, k) => k !== i) } });
      };
      this.fill(
        slot.querySelector(".ex-faces"),
        desk.slots[name],
        (z) => [z, this.words(z), "take out"],
        (_, i) => takeOut(i),
      );
    }
    this.showSum();
  }

  get address() {
    return toAddress(this.model.name, this.desk.z);
  }

  showAddress() {
    clearTimeout(this.later);
    try {
      if (location.hash !== this.address) window.history.replaceState(null, "", this.address);
    } catch {
      this.later = setTimeout(() => this.showAddress(), 2000); // some browsers limit how often
    }
  }

  showWay(t) {
    const { model, desk } = this;
    const path = { lerp, slerp }[desk.path];
    this.between = onGrid(path(desk.a, desk.b, t));
    this.way.show(model, this.between, toAddress(model.name, this.between));
    find(".ex-t").setAttribute("aria-valuetext", `${Math.round(100 * t)} % of the way`);
    find(".ex-way").setAttribute("aria-label", `${Math.round(100 * t)} % of the way from A to B`);
  }

  showSum() {
    const { a, b, c } = this.desk.slots;
    const any = a.length + b.length + c.length > 0;
    enable(".ex-take-sum", any);
    enable(".ex-clear", any);
    this.total = any ? onGrid(arithmetic(a, b, c)) : null;
    find(".ex-sum").setAttribute("aria-label", any ? `A − B + C: ${this.words(this.total)}` : "A − B + C: no face yet");
    if (any) this.sum.show(this.model, this.total, toAddress(this.model.name, this.total));
    else this.sum.clear();
  }

  // A row of faces as buttons that can also be dragged.
  fill(parent, faces, about, press) {
    if (parent.shows?.faces === faces && parent.shows.model === this.model) return; // states are only replaced
    parent.shows = { faces, model: this.model };
    const focused = [...parent.children].indexOf(document.activeElement);
    parent.replaceChildren(
      ...faces.map((face, i) => {
        const [z, label, what] = about(face);
        const button = faceButton(this.model, z, `${label}; ${what}`);
        button.addEventListener("click", () => press(face, i));
        this.draggable(button, () => z);
        return button;
      }),
    );
    // Who pressed one with the keyboard goes on from there.
    const next = parent.children[Math.min(focused, parent.children.length - 1)];
    if (focused >= 0) (next ?? parent.parentElement.querySelector("button")).focus();
  }

  // The directions along which a face is most unusual.
  words(z) {
    const readings = this.model.directions.map(({ slider, low, middle, high }, i) => {
      const by = dot(z, this.model.vectors[i]) - middle;
      return { slider, by, part: by / ((by < 0 ? middle - low : high - middle) || 1) };
    });
    readings.sort((one, other) => Math.abs(other.part) - Math.abs(one.part));
    return readings
      .slice(0, 3)
      .map(({ slider, by }) => `${slider} ${by < 0 ? "−" : "+"}${Math.abs(by).toFixed(1)}`)
      .join(", ");
  }

  // --- controls

  listen() {
    on(".ex-model", "change", (event) => this.choose(event.target.value));
    on(".ex-surprise", "click", () => this.take(surprise(this.model)));
    on(".ex-undo", "click", () => this.travel("undo"));
    on(".ex-redo", "click", () => this.travel("redo"));
    on(".ex-link", "click", () => this.copyLink());
    document.addEventListener("keydown", (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
      if (event.target.closest("input[type=search], input[type=text], textarea")) return;
      event.preventDefault();
      this.travel(event.shiftKey ? "redo" : "undo");
    });
    window.addEventListener("hashchange", () => this.visit());

    on(".ex-less", "click", () => this.turnAxes(-AXES));
    on(".ex-more", "click", () => this.turnAxes(AXES));
    on(".ex-keep", "click", () => {
      const { shelf, z } = this.desk;
      this.commit({ shelf: [...shelf, { z, label: this.words(z) }] });
    });

    for (const end of ["a", "b"]) {
      const set = (z) => this.commit({ [end]: z });
      on(`[data-end=${end}] button`, "click", () => set(this.desk.z));
      this.droppable(find(`[data-end=${end}]`), set);
      this.draggable(this.ends[end].canvas, () => this.desk[end]);
    }
    on(".ex-t", "input", (event) => this.showWay(event.target.valueAsNumber));
    on(".ex-t", "change", (event) => this.commit({ t: event.target.valueAsNumber }));
    for (const radio of root.querySelectorAll("[name=ex-path]")) {
      radio.addEventListener("change", () => this.commit({ path: radio.value }));
    }
    on(".ex-take-way", "click", () => this.take(this.between));

    for (const slot of root.querySelectorAll(".ex-slot")) {
      const add = (z) => {
        const name = slot.dataset.slot;
        this.commit({ slots: { ...this.desk.slots, [name]: [...this.desk.slots[name], z] } });
      };
      slot.querySelector(":scope > button").addEventListener("click", () => add(this.desk.z));
      this.droppable(slot, add);
    }
    on(".ex-take-sum", "click", () => this.total && this.take(this.total));
    on(".ex-clear", "click", () => this.total && this.commit({ slots: { a: [], b: [], c: [] } }));

    this.draggable(find(".ex-face"), () => this.desk.z);
    this.draggable(find(".ex-way"), () => this.between);
    this.draggable(find(".ex-sum"), () => this.total);

    on(".ex-file", "change", (event) => this.openPhoto(event.target.files[0]));
    for (const slider of [".ex-zoom", ".ex-x", ".ex-y"]) on(slider, "input", () => this.reframe());
    on(".ex-encode", "click", () => this.encodePhoto());
    this.dragPhoto();
    on(".ex-gpu", "click", () => this.tryGpu());
  }

  travel(way) {
    const { model } = this.history.state;
    if (!this.history[way]()) return;
    this.asked = null; // a model that is still on its way comes too late
    this.say("");
    if (model === this.history.state.model) this.update();
    else this.rebuild();
  }

  turnAxes(by) {
    const first = this.firstAxis + by;
    if (first < 0 || first >= this.model.latentDim) return;
    this.firstAxis = first;
    this.showAxes();
  }

  // The address was changed by hand, or a link to another face of this page was followed.
  async visit() {
    const asked = fromAddress(location.hash, this.lengths);
    this.asked = null;
    if (!asked) this.tellOfAddress(location.hash);
    else if (asked.model === this.model.name) this.take(asked.z);
    else await this.choose(asked.model, asked.z);
  }

  async copyLink() {
    try {
      await navigator.clipboard.writeText(new URL(this.address, location.href).href);
      this.say("The link is on the clipboard. Whoever opens it sees this face.");
    } catch {
      this.showAddress(); // which may be that of a heading
      this.say("The browser keeps its clipboard closed: the link is this page's address, in the bar above.");
    }
  }

  // --- dragging a face from one place to another; with buttons it goes by way of the hand

  draggable(element, face) {
    element.draggable = true;
    element.addEventListener("dragstart", (event) => {
      this.dragged = face();
      event.dataTransfer.setData("text/plain", "face");
    });
    element.addEventListener("dragend", () => (this.dragged = null));
  }

  droppable(element, drop) {
    element.addEventListener("dragover", (event) => {
      if (this.dragged) event.preventDefault();
    });
    element.addEventListener("drop", (event) => {
      event.preventDefault();
      if (this.dragged) drop(this.dragged);
      this.dragged = null;
    });
  }

  // --- a photo

  async openPhoto(file) {
    if (!file) return;
    try {
      await this.photo.open(file);
    } catch (error) {
      return this.say(error.message);
    }
    find(".ex-photo").hidden = false;
    for (const [slider, value] of [[".ex-zoom", 0], [".ex-x", 0.5], [".ex-y", 0.5]]) find(slider).value = value;
    this.say("");
    this.reframe();
  }

  reframe() {
    this.photo.frame(...[".ex-zoom", ".ex-x", ".ex-y"].map((slider) => find(slider).valueAsNumber));
  }

  dragPhoto() {
    const canvas = find(".ex-crop");
    let last = null;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      last = event;
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!canvas.hasPointerCapture(event.pointerId)) return;
      const [x, y] = this.photo.dragged(event.clientX - last.clientX, event.clientY - last.clientY);
      last = event;
      find(".ex-x").value = find(".ex-x").valueAsNumber + x;
      find(".ex-y").value = find(".ex-y").valueAsNumber + y;
      this.reframe();
    });
  }

  async encodePhoto() {
    const { model } = this;
    this.say("Encoding …");
    try {
      const z = await model.encode(this.photo.cropped(model.size));
      if (model !== this.model) return; // the reader has gone on to another
      this.take(z);
      this.say(`The face in hand is your photo, as ${model.title} knows it.`);
      find(".ex-face").scrollIntoView({ block: "center" });
    } catch (error) {
      this.say(`The encoder could not be loaded: ${error.message}`);
    }
  }

  // --- what computes

  async speedOf(model) {
    await model.queue; // what else is being drawn
    const z = model.shelf[0];
    const begun = performance.now();
    for (let i = 0; i < ROUNDS; i++) await model.decode(z);
    return (1000 * ROUNDS) / (performance.now() - begun);
  }

  async showSpeed() {
    const { model } = this;
    const rate = await this.speedOf(model);
    const engine = model.backend === "wasm" ? "WebAssembly" : "WebGPU";
    find(".ex-speed").textContent = `${engine} draws ${rate.toFixed(0)} faces a second here, by ${model.title}.`;
    find(".ex-speed").dataset.rate = rate;
  }

  // Small networks can be slower on a GPU, which has to be asked and read: the faster of the two is kept.
  async tryGpu() {
    if (this.trying) return;
    this.trying = true;
    this.say("Fetching the GPU's runtime …");
    const { model } = this;
    try {
      await model.use("wasm");
      const before = await this.speedOf(model);
      await model.use("webgpu");
      await this.speedOf(model); // the first faces compile its programs
      const after = await this.speedOf(model);
      if (after < before) await model.use("wasm");
      const verdict = after < before ? "so WebAssembly stays" : "so the GPU draws for this model from now on";
      this.say(`Faces a second: WebAssembly ${before.toFixed(0)}, GPU ${after.toFixed(0)}; ${verdict}.`);
      await this.showSpeed();
    } catch (error) {
      // It may have failed at its first face, when it was in use already.
      await model.use("wasm").catch(() => {});
      this.say(`The GPU cannot be used, and WebAssembly stays: ${error.message}`);
    }
    this.trying = false;
  }
}

// What a model begins with: its sum, a smiling face of it in hand, and the way from one of its last to one of its first.
function deskOf(model) {
  const shelf = model.shelf.map((z, i) => ({ z: onGrid(z), label: model.kinds[i] }));
  const [a, b, c] = model.sum.map((kind) => shelf.filter(({ label }) => label === kind).map(({ z }) => z));
  return { z: a[0], shelf, a: c[1], b: a[1], t: 0.5, path: model.hasCodes ? "lerp" : "slerp", slots: { a, b, c } };
}

// A new face: z from N(0, 1), or for a VAE from where its codes of faces lie, a little nearer to their mean.
function surprise(model) {
  const noise = gaussian(model.latentDim);
  if (!model.hasCodes) return noise;
  return model.mean.map((mean, i) => mean + 0.8 * dot(model.factor[i], noise));
}

async function main() {
  try {
    warmUp(); // while the catalog comes
    const { models } = await catalog();
    const select = find(".ex-model");
    for (const { name, title } of models) select.add(new Option(title, name));
    const explorer = new Explorer(Object.fromEntries(models.map((entry) => [entry.name, new Model(entry)])));
    await explorer.start();
    find(".ex-still").hidden = true;
    find(".ex-live").hidden = false;
    root.dataset.ready = Math.round(performance.now()); // ms since the page was asked for
    await explorer.showSpeed();
    const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
    find(".ex-gpu").hidden = !adapter;
    window.latentExplorer = explorer; // for whoever opens the console
  } catch (error) {
    find(".ex-still-why").textContent = ` and did not start: ${error.message}`;
    throw error;
  }
}

main();

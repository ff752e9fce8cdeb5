// A trained model in the browser: its ONNX networks, run by ONNX Runtime Web, and what was measured of it.

const HERE = new URL("./", import.meta.url);
const RUNTIME = new URL("../ort/", import.meta.url);
const CACHED = 400; // pictures

// What a key stands for, made once; what failed is made anew when it is asked for again.
function once(kept, key, make) {
  kept[key] ??= make().catch((error) => {
    delete kept[key];
    throw error;
  });
  return kept[key];
}

// Resolves when everything else that the page has to do has had its turn.
function aBreath() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

// "wasm", or "webgpu" where the browser has one. Each has its own build of the runtime.
const runtimes = {};
function runtime(backend) {
  return once(runtimes, backend, async () => {
    const ort = await import(new URL(`ort.${backend}.min.mjs`, RUNTIME));
    ort.env.wasm.wasmPaths = RUNTIME.href;
    ort.env.wasm.numThreads = 1; // more need headers that static hosts do not send
    ort.env.logLevel = "error";
    return ort;
  });
}

// Begin to fetch what every model needs.
export function warmUp() {
  runtime("wasm").catch(() => {}); // whoever asks for it in earnest is told
}

export async function catalog() {
  const response = await fetch(new URL("models.json", HERE));
  if (!response.ok) throw new Error(`models.json: ${response.status}`);
  return response.json();
}

export class Model {
  // `entry`: of the catalog.
  constructor(entry) {
    Object.assign(this, entry); // name, title, size, latentDim, directions, kinds, files
    this.pictures = new Map();
    this.sessions = {};
    this.queue = Promise.resolve();
    this.backend = "wasm";
  }

  // Fetch arrays and decoder; the encoder waits until it is asked for.
  async load() {
    await once(this, "loading", () => this.#load());
    return this;
  }

  async #load() {
    const [arrays] = await Promise.all([fetch(new URL(this.files.arrays, HERE)), this.#session("decoder")]);
    if (!arrays.ok) throw new Error(`${this.files.arrays}: ${arrays.status}`);
    const values = new Float32Array(await arrays.arrayBuffer());
    let at = 0;
    const rows = (n) => Array.from({ length: n }, () => values.subarray(at, (at += this.latentDim)));
    this.vectors = rows(this.directions.length);
    this.shelf = rows(this.kinds.length);
    if (this.hasCodes) {
      [this.mean] = rows(1);
      this.factor = rows(this.latentDim);
    }
  }

  // Run on "wasm" or "webgpu" from now on.
  async use(backend) {
    if (backend === this.backend) return;
    const session = await this.#create("decoder", backend); // if that fails, nothing has changed
    const before = await this.sessions.decoder;
    this.sessions.decoder = Promise.resolve(session);
    this.backend = backend;
    await this.queue;
    before.release();
  }

  #session(network) {
    return once(this.sessions, network, () => this.#create(network, "wasm"));
  }

  async #create(network, backend) {
    const ort = await runtime(backend);
    return ort.InferenceSession.create(new URL(this.files[network], HERE).href, { executionProviders: [backend] });
  }

  // One after the other: a session cannot run twice at a time. In between the page may paint and hear its reader.
  #run(network, name, values, shape) {
    const turn = this.queue.then(async () => {
      await aBreath();
      const session = await this.#session(network);
      const ort = await runtime(network === "decoder" ? this.backend : "wasm");
      const { output } = await session.run({ [name]: new ort.Tensor("float32", values, shape) });
      const data = await output.getData();
      output.dispose();
      return data;
    });
    this.queue = turn.catch(() => {});
    return turn;
  }

  // z → ImageData
  async decode(z) {
    const pixels = await this.#run("decoder", "z", Float32Array.from(z), [1, this.latentDim]);
    const picture = new ImageData(this.size, this.size);
    for (let i = 0, k = 0; i < pixels.length; k++) {
      // A Uint8ClampedArray rounds and clips.
      for (let channel = 0; channel < 3; channel++) picture.data[4 * k + channel] = (pixels[i++] + 1) * 127.5;
      picture.data[4 * k + 3] = 255;
    }
    return picture;
  }

  // The same, of faces that will be asked for again.
  picture(z) {
    const key = String.fromCharCode(...new Uint16Array(Int16Array.from(z, (value) => value * 1024).buffer));
    if (!this.pictures.has(key)) {
      if (this.pictures.size >= CACHED) this.pictures.delete(this.pictures.keys().next().value);
      const picture = this.decode(z);
      picture.catch(() => this.pictures.delete(key)); // to be tried again
      this.pictures.set(key, picture);
    }
    return this.pictures.get(key);
  }

  // ImageData of the model's size → z
  async encode(picture) {
    const values = new Float32Array(3 * this.size * this.size);
    for (let i = 0, k = 0; i < values.length; k++) {
      for (let channel = 0; channel < 3; channel++) values[i++] = picture.data[4 * k + channel] / 127.5 - 1;
    }
    return Float64Array.from(await this.#run("encoder", "image", values, [1, this.size, this.size, 3]));
  }
}

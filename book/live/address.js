// A face as part of the page's address: the model's name, and its numbers in steps of 1/1024, two bytes each.

import { onGrid } from "./latent.js";

export function toAddress(model, z) {
  const bytes = new Uint8Array(2 * z.length);
  const view = new DataView(bytes.buffer);
  onGrid(z).forEach((value, i) => view.setInt16(2 * i, value * 1024, true));
  const text = btoa(String.fromCharCode(...bytes));
  return `#${model}/${text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}

// The model's name and z, or null where the address holds no face. `lengths`: model's name → how many numbers it takes.
export function fromAddress(hash, lengths) {
  const [model, text] = hash.replace(/^#/, "").split("/");
  if (!text || !Object.hasOwn(lengths, model) || !/^[\w-]+$/.test(text)) return null;
  let bytes;
  try {
    bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  } catch {
    return null;
  }
  if (bytes.length !== 2 * lengths[model]) return null;
  const view = new DataView(bytes.buffer);
  return { model, z: Float64Array.from({ length: lengths[model] }, (_, i) => view.getInt16(2 * i, true) / 1024) };
}

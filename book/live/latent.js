// Sums with faces: points of a latent space are arrays of numbers. The same formulas as in facelib.latent.

// Faces lie on a grid, so that one that went through an address, or through a sum and back, is the same to the bit.
const STEP = 1 / 1024;
const FURTHEST = 32 - STEP;

export function onGrid(z) {
  return Float64Array.from(z, (value) => Math.max(-FURTHEST, Math.min(FURTHEST, Math.round(value / STEP) * STEP)));
}

export function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

export function length(z) {
  return Math.sqrt(dot(z, z));
}

// z + amount · direction
export function moved(z, direction, amount) {
  return Float64Array.from(z, (value, i) => value + amount * direction[i]);
}

export function mean(faces) {
  return Float64Array.from(faces[0], (_, i) => faces.reduce((sum, z) => sum + z[i], 0) / faces.length);
}

// A − B + C, each the average of several faces; what has no face counts as nothing.
export function arithmetic(a, b, c) {
  const [plus, minus, also] = [a, b, c].map((faces) => (faces.length ? mean(faces) : null));
  const some = plus ?? minus ?? also;
  return Float64Array.from(some, (_, i) => (plus?.[i] ?? 0) - (minus?.[i] ?? 0) + (also?.[i] ?? 0));
}

// The point at t between 0 and 1 on the straight line from a to b.
export function lerp(a, b, t) {
  return Float64Array.from(a, (value, i) => (1 - t) * value + t * b[i]);
}

// The point at t on the arc between the directions of a and b, the length going evenly from |a| to |b|.
export function slerp(a, b, t) {
  if (t === 0 || t === 1) return Float64Array.from(t ? b : a);
  const [lengthA, lengthB] = [length(a), length(b)];
  if (!lengthA || !lengthB) return lerp(a, b, t);
  const from = a.map((value) => value / lengthA);
  const to = b.map((value) => value / lengthB);
  const angle = 2 * Math.atan2(length(moved(from, to, -1)), length(moved(from, to, 1)));
  let across = moved(to, from, -dot(to, from));
  if (length(across) < 1e-6) {
    if (angle < 1) return lerp(a, b, t);
    // Opposite ends: all half circles are equally short. The one towards the axis that is least along the start.
    const least = from.reduce((best, value, i) => (Math.abs(value) < Math.abs(from[best]) ? i : best), 0);
    across = from.map((value) => -value * from[least]);
    across[least] += 1;
  }
  const side = length(across);
  const way = (1 - t) * lengthA + t * lengthB;
  return from.map((value, i) => way * (Math.cos(t * angle) * value + (Math.sin(t * angle) * across[i]) / side));
}

// The shortest step that adds 1 along one direction and nothing along the others (rows of unit length).
export function holdingOthers(directions, chosen) {
  const gram = directions.map((a, i) => [...directions.map((b) => dot(a, b)), i === chosen ? 1 : 0]);
  const n = gram.length;
  for (let i = 0; i < n; i++) {
    const pivot = gram.slice(i).reduce((best, row, k) => (Math.abs(row[i]) > Math.abs(gram[best][i]) ? i + k : best), i);
    [gram[i], gram[pivot]] = [gram[pivot], gram[i]];
    for (let k = 0; k < n; k++) {
      if (k === i) continue;
      const factor = gram[k][i] / gram[i][i];
      for (let j = i; j <= n; j++) gram[k][j] -= factor * gram[i][j];
    }
  }
  return directions.reduce(
    (step, direction, i) => moved(step, direction, gram[i][n] / gram[i][i]),
    new Float64Array(directions[0].length),
  );
}

// Numbers as from N(0, 1), two at a time (Box and Muller 1958).
export function gaussian(n, random = Math.random) {
  const z = new Float64Array(n);
  for (let i = 0; i < n; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    z[i] = radius * Math.cos(angle);
    if (i + 1 < n) z[i + 1] = radius * Math.sin(angle);
  }
  return z;
}

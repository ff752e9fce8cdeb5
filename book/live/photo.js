// A reader's photo, cut to the square that the encoders know. It stays in this page.

const LARGEST = 2000; // pixels a side that are kept of a photo

export class Photo {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
  }

  // Raises an error with a sentence for the reader.
  async open(file) {
    let bitmap;
    try {
      bitmap = await createImageBitmap(file); // turned as the camera says
    } catch {
      throw new Error(`${file.name} is not a picture that this browser can read.`);
    }
    const shrink = Math.min(1, LARGEST / Math.max(bitmap.width, bitmap.height));
    this.photo = new OffscreenCanvas(Math.round(bitmap.width * shrink), Math.round(bitmap.height * shrink));
    const context = this.photo.getContext("2d");
    context.fillStyle = "#fff"; // behind what is transparent
    context.fillRect(0, 0, this.photo.width, this.photo.height);
    context.drawImage(bitmap, 0, 0, this.photo.width, this.photo.height);
    bitmap.close();
    this.frame(0, 0.5, 0.5);
  }

  // zoom 0: the largest square that fits; 1: half of it. x, y: where its centre lies, from 0 to 1.
  frame(zoom, x, y) {
    const { width, height } = this.photo;
    const side = Math.min(width, height) / 2 ** zoom;
    this.square = { left: x * (width - side), top: y * (height - side), side };
    this.#draw();
  }

  // How far x and y of `frame` move when the picture is dragged by so many of the canvas' pixels.
  dragged(dx, dy) {
    const { width, height } = this.photo;
    const { side } = this.square;
    const scale = side / this.canvas.clientWidth;
    return [dx, dy].map((by, i) => {
      const room = (i ? height : width) - side;
      return room > 0 ? (-by * scale) / room : 0;
    });
  }

  #draw() {
    const { left, top, side } = this.square;
    const { width } = this.canvas;
    this.context.drawImage(this.photo, left, top, side, side, 0, 0, width, width);
    // Where eyes and mouth lie in the faces that the models know.
    this.context.lineWidth = 2;
    for (const [x, y, rx] of this.marks) {
      for (const [colour, grow] of [["#000a", 1.5], ["#fff", 0]]) {
        this.context.strokeStyle = colour;
        this.context.beginPath();
        this.context.ellipse(x * width, y * width, rx * width + grow, 0.035 * width + grow, 0, 0, 2 * Math.PI);
        this.context.stroke();
      }
    }
  }

  // The square as ImageData of `size` pixels a side, each the mean of those that it covers.
  cropped(size) {
    const { left, top, side } = this.square;
    const times = Math.max(1, Math.min(8, Math.ceil(side / size)));
    const large = new OffscreenCanvas(size * times, size * times).getContext("2d", { willReadFrequently: true });
    large.imageSmoothingQuality = "high";
    large.drawImage(this.photo, left, top, side, side, 0, 0, size * times, size * times);
    const { data } = large.getImageData(0, 0, size * times, size * times);
    const picture = new ImageData(size, size);
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        for (let channel = 0; channel < 4; channel++) {
          let sum = 0;
          for (let j = 0; j < times; j++) {
            for (let i = 0; i < times; i++) sum += data[4 * ((y * times + j) * size * times + x * times + i) + channel];
          }
          picture.data[4 * (y * size + x) + channel] = sum / times ** 2;
        }
      }
    }
    return picture;
  }
}

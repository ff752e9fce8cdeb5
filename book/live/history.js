// What the page shows, and what it showed before. States are never changed, only replaced.

const MOST = 500; // steps back

export class History {
  constructor(state) {
    this.state = state;
    this.past = [];
    this.future = [];
  }

  // The next state; what had been undone is gone.
  commit(state) {
    this.past.push(this.state);
    if (this.past.length > MOST) this.past.shift();
    this.future = [];
    this.state = state;
  }

  undo() {
    if (!this.past.length) return false;
    this.future.push(this.state);
    this.state = this.past.pop();
    return true;
  }

  redo() {
    if (!this.future.length) return false;
    this.past.push(this.state);
    this.state = this.future.pop();
    return true;
  }
}

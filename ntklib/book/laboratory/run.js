// What happens between Play and Pause? One question to the worker at a time, however often somebody presses.
// `took(shown, first)` is told each answer, `draw()` when there is time to draw it, `turned(on)` of Play and Pause,
// `slow(on)` when a question waits longer than one likes to wait without a word, and when its answer is there.
function laboratoryRun(engine, limit, { setting, took, draw, turned, troubled, slow = () => {} }) {
  const LONG = 500;
  let timer = 0, late = false, open = 0;
  function settle() {
    clearTimeout(timer);
    if (late) slow(late = false);
  }
  const put = laboratoryAsk(engine, limit, (problem) => {
    settle();
    turning = false; // or Play would wait for an answer for ever
    play(false);
    troubled(problem);
  });
  function ask(message, done) {
    const mine = ++open;
    clearTimeout(timer);
    if (!late) timer = setTimeout(() => slow(late = true), LONG);
    put(message, (shown) => {
      if (mine === open) settle();
      done(shown);
    });
  }
  let playing = false, turning = false, lost = false;
  function answered(shown, first) {
    lost = shown.diverged === shown.networks;
    took(shown, first);
    if (lost) play(false);
    requestAnimationFrame(() => {
      turn(); // the worker goes on while this is drawn
      draw();
    });
  }
  function begin(then = () => {}) {
    turning = false; // a question that waits is given up
    ask({ configure: setting() }, (shown) => {
      answered(shown, true);
      then();
    });
  }
  function advance(steps, then = () => {}) {
    play(false);
    ask({ advance: steps, linear: setting().linear }, (shown) => {
      answered(shown, false);
      then();
    });
  }
  // Other things to be seen, of the same step.
  function again() {
    if (!playing) ask({ advance: 0, linear: setting().linear }, (shown) => answered(shown, false));
  }
  function turn() {
    if (!playing || turning) return;
    turning = true;
    ask({ advance: setting().speed, budget: 12, linear: setting().linear }, (shown) => {
      turning = false;
      answered(shown, false);
    });
  }
  function play(on) {
    if (on === playing) return;
    playing = on;
    turned(on);
    if (on && lost) begin(); // what is lost goes on from the start only
    else turn();
  }
  return { begin, advance, again, play, playing: () => playing, close() { playing = false; settle(); put.close(); } };
}

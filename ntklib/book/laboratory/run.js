// What happens between Play and Pause? One question to the worker at a time, however often somebody presses.
// `took(shown, first)` is told each answer, `draw()` when there is time to draw it, `turned(on)` of Play and Pause.
function laboratoryRun(engine, limit, { setting, took, draw, turned, troubled }) {
  const ask = laboratoryAsk(engine, limit, troubled);
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
  return { begin, advance, again, play, playing: () => playing, close() { playing = false; ask.close(); } };
}

// Where is computed? In a worker, so that drawing never waits; its script is text of this one, as files cannot be loaded.
// What the worker does: answers each message with what is to be seen then.
function laboratoryWorker(session) {
  self.onmessage = ({ data }) => {
    const { configure, advance, budget, linear, id } = data;
    try {
      let shown = configure ? session.configure(configure) : null;
      if (advance !== undefined) shown = session.advance(advance, budget ?? Infinity, linear);
      self.postMessage({ id, shown });
    } catch (problem) {
      self.postMessage({ id, problem: problem.message });
    }
  };
}

// A function that asks the worker one question at a time. A new setting makes the questions that wait pointless.
function laboratoryAsk(engine, limit, troubled) {
  let busy = null, waiting = [], send = null, next = 0, worker = null;
  const answered = ({ data }) => {
    if (busy === null || data.id !== busy.id) return;
    const { done } = busy;
    busy = null;
    if (data.problem) troubled(data.problem);
    else done(data.shown);
    proceed();
  };
  function alone() { // without a worker the page computes by itself, a message at a time
    const here = { postMessage: (data) => setTimeout(() => answered({ data })) };
    new Function("self", "session", `(${laboratoryWorker})(session)`)(here, laboratorySession(engine, limit));
    send = (message) => setTimeout(() => here.onmessage({ data: message }));
  }
  function proceed() {
    if (busy || !waiting.length) return;
    busy = waiting.shift();
    busy.id = busy.message.id = ++next;
    send(busy.message);
  }
  try {
    const source = `(${laboratoryWorker})((${laboratorySession})((${laboratoryEngine})(), (${laboratoryLimit})()))`;
    worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
    worker.onmessage = answered;
    worker.onerror = () => {
      alone();
      if (busy) send(busy.message);
    };
    send = (message) => worker.postMessage(message);
  } catch {
    alone();
  }
  const ask = (message, done) => {
    if (message.configure) waiting = [];
    waiting.push({ message, done });
    proceed();
  };
  ask.close = () => { waiting = []; if (worker) worker.terminate(); };
  return ask;
}

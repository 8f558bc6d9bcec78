// Renders formulas without a browser: reads one JSON object a line, {tex, display}, and answers each with {html} or
// {error}; {done: true} is answered with {css}, the style sheet of all that was rendered. Arguments: MathJax's folder,
// its macros as JSON, the address of its fonts as seen from the style sheet.
"use strict";

const [folder, macros, fonts] = process.argv.slice(2);

require(`${folder}/node-main.js`)
  .init({
    loader: { load: ["input/tex", "output/chtml", "a11y/assistive-mml"], paths: { mathjax: folder } },
    tex: { packages: { "[-]": ["noundefined", "noerrors"] }, macros: JSON.parse(macros) },
    chtml: { fontURL: fonts },
    startup: { typeset: false },
  })
  .then(async (MathJax) => {
    const adaptor = MathJax.startup.adaptor;
    const render = async ({ tex, display }) => {
      const html = adaptor.outerHTML(await MathJax.tex2chtmlPromise(tex, { display }));
      const wrong = /data-mjx-error="([^"]*)"/.exec(html);
      return wrong ? { error: wrong[1] } : { html };
    };
    for await (const line of require("readline").createInterface({ input: process.stdin })) {
      const asked = JSON.parse(line);
      const answer = asked.done
        ? { css: adaptor.textContent(MathJax.chtmlStylesheet()) }
        : await render(asked).catch((problem) => ({ error: String(problem.message || problem) }));
      process.stdout.write(`${JSON.stringify(answer)}\n`);
    }
  });

// Understands formulas without a browser: reads one JSON object a line, {tex, display}, and answers each with
// {drawing, mathml}, an SVG whose signs say their font and how wide they are, or with {error}. Arguments: MathJax's
// folder, its macros as JSON.
"use strict";

const [folder, macros] = process.argv.slice(2);

require(`${folder}/node-main.js`)
  .init({
    loader: { load: ["input/tex", "output/svg"], paths: { mathjax: folder } },
    tex: { packages: { "[-]": ["noundefined", "noerrors"] }, macros: JSON.parse(macros) },
    svg: { fontCache: "none" },
    startup: { typeset: false },
  })
  .then(async (MathJax) => {
    const adaptor = MathJax.startup.adaptor;
    const wrapper = MathJax._.output.svg.Wrapper.SVGWrapper.prototype;
    const place = wrapper.charNode;
    wrapper.charNode = function (variant, code, path) {
      const node = place.call(this, variant, code, path);
      adaptor.setAttribute(node, "data-font", variant);
      adaptor.setAttribute(node, "data-width", this.getVariantChar(variant, parseInt(code, 16))[2]);
      return node;
    };
    const render = async ({ tex, display }) => {
      const mathml = await MathJax.tex2mmlPromise(tex, { display });
      const wrong = /data-mjx-error="([^"]*)"/.exec(mathml);
      if (wrong) return { error: wrong[1] };
      return { mathml, drawing: adaptor.innerHTML(await MathJax.tex2svgPromise(tex, { display })) };
    };
    for await (const line of require("readline").createInterface({ input: process.stdin })) {
      const answer = await render(JSON.parse(line)).catch((problem) => ({ error: String(problem.message || problem) }));
      process.stdout.write(`${JSON.stringify(answer)}\n`);
    }
  });

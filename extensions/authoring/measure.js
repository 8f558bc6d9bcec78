// When is what measures loaded? When a reader comes near to a claim that can be measured, or presses its button.
(() => {
  const boxes = [...document.querySelectorAll("[data-measure]")], { src } = document.currentScript;
  let asked = false;
  function load() {
    if (asked) return;
    asked = true;
    near.disconnect();
    const script = document.createElement("script");
    script.src = src.replace(/measure\.js.*$/, "measuring.js");
    script.onerror = () => boxes.forEach((box) => { box.querySelector("[data-said]").textContent = "What measures could not be loaded."; });
    document.head.append(script);
  }
  const near = new IntersectionObserver((seen) => seen.some((each) => each.isIntersecting) && load(), { rootMargin: "200px" });
  for (const box of boxes) {
    near.observe(box);
    box.querySelector("button").addEventListener("click", () => { box.pressed = true; load(); }, { once: true });
  }
})();

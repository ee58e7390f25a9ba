"use strict";
(function () {
  const options = { responsive: true, displaylogo: false, displayModeBar: false };
  const page = { width: 680, height: 860 };

  function draw(script) {
    const place = document.getElementById(script.dataset.plot);
    if (place.dataset.drawn) return;
    const figure = JSON.parse(script.textContent);
    Plotly.newPlot(place, figure.data, figure.layout, options);
    place.dataset.height = figure.layout.height;
    place.dataset.drawn = "yes";
  }

  function visible(script) {
    const details = script.closest("details");
    return !details || details.open;
  }

  const scripts = Array.from(document.querySelectorAll("script[data-plot]"));
  scripts.filter(visible).forEach(draw);
  document.querySelectorAll("details").forEach(function (details) {
    details.addEventListener("toggle", function () {
      if (details.open) details.querySelectorAll("script[data-plot]").forEach(draw);
    });
  });

  function resize(change) {
    document.querySelectorAll(".plot[data-drawn]").forEach(function (place) {
      const layout = change(Number(place.dataset.height));
      place.style.minHeight = layout.height + "px";
      Plotly.relayout(place, layout);
    });
  }
  window.addEventListener("beforeprint", function () {
    resize(function (height) {
      return { width: page.width, height: Math.min(height, page.height), autosize: false };
    });
  });
  window.addEventListener("afterprint", function () {
    resize(function (height) {
      return { width: null, height: height, autosize: true };
    });
  });
})();

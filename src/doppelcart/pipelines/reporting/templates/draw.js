"use strict";
(function () {
  const options = { responsive: true, displaylogo: false, displayModeBar: false };
  const printWidth = 680;

  function draw(script) {
    const place = document.getElementById(script.dataset.plot);
    if (place.dataset.drawn) return;
    const figure = JSON.parse(script.textContent);
    Plotly.newPlot(place, figure.data, figure.layout, options);
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
      Plotly.relayout(place, change);
    });
  }
  window.addEventListener("beforeprint", function () {
    resize({ width: printWidth, autosize: false });
  });
  window.addEventListener("afterprint", function () {
    resize({ width: null, autosize: true });
  });
})();

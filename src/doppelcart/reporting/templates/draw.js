"use strict";
(function () {
  const options = { responsive: true, displaylogo: false, displayModeBar: false };
  const printed = 1000;  // Pixels: figures are laid out so wide for print, and scaled by the style.
  const narrow = 560;    // Pixels: below it panels stand one below the other.
  const phone = 640;
  const dark = { "#1f2933": "#e6eaee", "#5b6672": "#9aa7b4", "#e3e7eb": "#36414c", "#ffffff": "#161b21" };
  const night = window.matchMedia("(prefers-color-scheme: dark)");

  async function unpack(text) {
    const bytes = Uint8Array.from(atob(text), function (c) { return c.charCodeAt(0); });
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  }

  let library;
  function plotly() {
    library = library || unpack(document.getElementById("packed").textContent).then(function (code) {
      const script = document.createElement("script");
      script.textContent = code;
      document.head.append(script);
    });
    return library;
  }

  // Marks are made for white paper: on a dark page they are mixed with white.
  function onDark(colour) {
    if (dark[colour]) return dark[colour];
    const parts = [1, 3, 5].map(function (at) {
      return Math.round(0.55 * parseInt(colour.slice(at, at + 2), 16) + 0.45 * 255).toString(16).padStart(2, "0");
    });
    return "#" + parts.join("");
  }

  function figureOf(script, forPrint) {
    const text = script.textContent;
    return JSON.parse(night.matches && !forPrint ? text.replace(/#[0-9a-f]{6}\b/g, onDark) : text);
  }

  function axis(kind, place) { return kind + (place ? place + 1 : ""); }

  // Panels stand two abreast. On a phone they stand one below the other, each with its axis.
  function stack(figure) {
    const layout = figure.layout;
    const titles = (layout.annotations || []).filter(function (note) { return !note.showarrow && note.yanchor === "bottom"; });
    if (titles.length < 2) return;
    const rows = Math.ceil(titles.length / 2);
    const gap = 88, margins = (layout.margin.t || 0) + (layout.margin.b || 0);
    const panel = (layout.height - margins - gap * (rows - 1)) / rows;
    const inner = titles.length * panel + gap * (titles.length - 1);
    titles.forEach(function (title, place) {
      const top = 1 - place * (panel + gap) / inner;
      const x = layout[axis("xaxis", place)], y = layout[axis("yaxis", place)];
      x.domain = [0, 1];
      y.domain = [Math.max(0, top - panel / inner), top];
      y.showticklabels = true;
      x.showticklabels = true;
      Object.assign(title, { x: 1, xanchor: "right", y: top, text: title.text.replace("<br>", " ") });
      title.font = Object.assign({}, title.font, { size: 12 });
    });
    layout.height = inner + margins;
  }

  // The legend has a line per entry on a phone, and the panels make room for it.
  function lower(figure) {
    if (!figure.layout.showlegend) return;
    const entries = figure.data.filter(function (trace) { return trace.showlegend !== false && trace.name; });
    const more = 18 * entries.length;
    figure.layout.margin.t += more;
    figure.layout.height += more;
  }

  function draw(script, forPrint) {
    const place = document.getElementById(script.dataset.plot);
    const figure = figureOf(script, forPrint);
    const width = forPrint ? printed : place.clientWidth;
    if (width < narrow) {
      stack(figure);
      lower(figure);
      figure.layout.font = Object.assign({}, figure.layout.font, { size: 11 });
    }
    if (forPrint) Object.assign(figure.layout, { width: printed, autosize: false });
    place.style.minHeight = figure.layout.height + "px";
    place.dataset.drawn = width < narrow ? "narrow" : "wide";
    Plotly.react(place, figure.data, figure.layout, options);
  }

  function visible(script) {
    for (let at = script.closest("details"); at; at = at.parentElement.closest("details"))
      if (!at.open) return false;
    return true;
  }

  const scripts = Array.from(document.querySelectorAll("script[data-plot]"));
  function drawn(script) { return document.getElementById(script.dataset.plot).dataset.drawn; }

  function drawVisible() {
    const wanted = scripts.filter(function (script) { return visible(script) && !drawn(script); });
    if (wanted.length) plotly().then(function () { wanted.forEach(function (s) { draw(s, false); }); });
  }
  function redraw(forPrint) {
    if (window.Plotly) scripts.filter(drawn).forEach(function (s) { draw(s, forPrint); });
  }

  document.querySelectorAll("details").forEach(function (details) {
    details.addEventListener("toggle", drawVisible);
  });
  if (window.innerWidth < phone)
    document.querySelectorAll(".people .lists details:nth-child(-n + 2)").forEach(function (d) { d.open = false; });

  const button = document.getElementById("open-all");
  if (button) {
    button.hidden = false;
    button.addEventListener("click", function () {
      document.querySelectorAll("details").forEach(function (d) { d.open = true; });
    });
  }

  // A link to a part of a section opens what it lies in.
  function openTarget() {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    for (let at = target && target.closest("details"); at; at = at.parentElement.closest("details")) at.open = true;
  }
  window.addEventListener("hashchange", openTarget);
  openTarget();

  let wide = window.innerWidth;
  window.addEventListener("resize", function () {
    const crossed = (wide < narrow) !== (window.innerWidth < narrow);
    wide = window.innerWidth;
    if (crossed) redraw(false);
  });
  night.addEventListener("change", function () { redraw(false); });
  window.addEventListener("beforeprint", function () { redraw(true); });
  window.addEventListener("afterprint", function () { redraw(false); });
  drawVisible();
})();

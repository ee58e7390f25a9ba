// As much of an AMD loader as executed notebooks need: their figures define Plotly, and then ask for it.
// The loader that they would fetch from elsewhere is not needed for that.
(() => {
  const made = {};
  window.require = (names, use) => use && use(...names.map((name) => made[name]));
  window.require.undef = (name) => delete made[name];
  window.require.config = () => {};
  window.define = (name, make) => {
    const module = { exports: {} };
    made[name] = make(window.require, module.exports, module) || module.exports;
  };
})();

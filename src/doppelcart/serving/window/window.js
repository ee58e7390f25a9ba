"use strict";
(function () {
  const at = function (id) { return document.getElementById(id); };
  const basket = new Map();
  const shown = 25;
  let key = "";
  let current = null;
  let taking = null;

  function element(tag, text) {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  async function get(path, body) {
    const headers = key ? { "X-API-Key": key } : {};
    const asked = body ? { method: "POST", headers: headers, body: JSON.stringify(body) } : { headers: headers };
    let response;
    try {
      response = await fetch(path, asked);
    } catch (error) {
      throw new Error("The server does not answer.");
    }
    const found = await response.json();
    if (response.status === 401) {
      at("key-form").hidden = false;
      throw new Error("The server asks for its key.");
    }
    if (!response.ok) {
      const detail = Array.isArray(found.detail) ? found.detail.map(function (f) { return f.what || f.msg; }).join("; ") : found.detail;
      throw new Error(String(detail));
    }
    return found;
  }

  function percent(share) { return (share > 0 ? "+" : "") + (100 * share).toFixed(1).replace("-", "\u2212") + " %"; }

  function interval(low, high) {
    return "95 % interval " + (low === null || high === null ? "undefined" : percent(low) + " to " + percent(high));
  }

  function worth(evidence) {
    if (!evidence) return "It was not measured for customers like this.";
    const name = evidence.metric.toUpperCase();
    const tested = " on " + evidence.n_customers.toLocaleString("en") + " held-out customers.";
    if (evidence.relative === null) return name + " " + evidence.value.toFixed(3) + tested;
    return name + " " + evidence.value.toFixed(3) + ", " + percent(evidence.relative) + " over " + evidence.against +
      " (" + interval(evidence.relative_low, evidence.relative_high) + ")," + tested;
  }

  function listed(item) {
    const line = element("li");
    const details = element("details");
    const reasons = item.reasons;
    const summary = element("summary", item.title);
    const words = element("span", reasons.words);
    words.className = "words";
    summary.append(words);
    details.append(summary);
    const list = element("ul");
    const most = Math.max.apply(null, reasons.items.map(function (r) { return Math.abs(r.share); }).concat([1e-9]));
    reasons.items.slice(0, 5).forEach(function (reason) {
      const why = element("li", reason.title + " ");
      const meter = element("meter");
      meter.max = most; meter.value = Math.max(0, reason.share);
      meter.setAttribute("aria-label", "share of the score");
      why.append(meter, " " + reason.share.toPrecision(3) + (reason.weight >= 0.01 ? ", " + Math.min(Math.round(100 * reason.weight), reason.weight < 0.1 ? 9 : 100) + " % of what speaks for it" : ""));
      list.append(why);
    });
    if (reasons.others) list.append(element("li", "all other known items: " + reasons.others.toPrecision(3)));
    if (reasons.base) list.append(element("li", "without any known item: " + reasons.base.toPrecision(3)));
    list.append(element("li", "score: " + item.score.toPrecision(3)));
    const without = element("li");
    without.className = "without";
    without.hidden = true;
    list.prepend(without);
    details.append(list);
    details.addEventListener("toggle", deletions);
    line.append(details);
    return line;
  }

  // What would not be listed without some purchases takes several lists: asked once, when a reason is opened.
  async function deletions() {
    if (!current || current.deletions) return;
    const question = Object.assign({}, current, { deletions: true });
    current = question;
    const lines = Array.from(document.querySelectorAll("#list .without"));
    try {
      const answer = await get("/recommend", question);
      if (current !== question) return;
      answer.items.forEach(function (item, place) {
        if (!item.reasons.without || !lines[place]) return;
        lines[place].textContent = "not listed without " + item.reasons.without.map(function (one) { return one.title; }).join(", ");
        lines[place].hidden = false;
      });
    } catch (error) {
      at("trouble").textContent = error.message;
    }
  }

  function show(answer, known) {
    at("found").hidden = false;
    at("version").textContent = "Version " + answer.version + (answer.stale_since ? ", stale since " + answer.stale_since : "") + ".";
    at("strategy").textContent = answer.strategy.label + ", for " + answer.strategy.customers + ". " +
      (answer.strategy.promoted ? "With synthetic data (" + answer.strategy.synthetic_data + "), which won." :
        answer.strategy.admitted ? "With synthetic data, which is shown to help; the GAN is not shown to do better." :
        "Without synthetic data: none was shown to be better.");
    at("evidence").textContent = worth(answer.evidence);
    const notes = [answer.strategy.note];
    if (answer.unknown_user) notes.push("This customer is not known, and gets the list of a new one.");
    if (answer.unknown_items.length) notes.push("Not in the catalogue, ignored: " + answer.unknown_items.join(", ") + ".");
    at("note").textContent = notes.filter(Boolean).join(" ");
    at("known").replaceChildren.apply(at("known"), known.slice(0, shown).map(function (item) { return element("li", item.title); }));
    if (known.length > shown) at("known").append(element("li", "and " + (known.length - shown) + " more"));
    if (!known.length) at("known").append(element("li", "nothing"));
    at("list").replaceChildren.apply(at("list"), answer.items.map(listed));
    const completion = answer.completion || [];
    at("completion-part").hidden = !completion.length;
    at("completion-use").textContent = answer.strategy.completed_by ? "The list above is made with it." :
      "The list above is not made of it: whether it helps is for the evidence to say.";
    at("completion").replaceChildren.apply(at("completion"), completion.map(function (item) {
      return element("li", item.title + ", " + (100 * item.probability).toFixed(0) + " %");
    }));
  }

  function kind() { return document.querySelector("input[name=kind]:checked").value; }

  async function ask(event) {
    if (event) event.preventDefault();
    at("trouble").textContent = "";
    try {
      const question = { k: Number(at("k").value), explain: true, complete: true };
      let known;
      if (kind() === "customer") {
        question.user_id = at("customer").value;
        known = await get("/history?user_id=" + encodeURIComponent(question.user_id));
      } else {
        await taking;
        question.items = Array.from(basket.keys(), function (id) { return { item_id: id }; });
        known = Array.from(basket.values(), function (title) { return { title: title }; });
      }
      const answer = await get("/recommend", question);
      current = question;
      show(answer, known);
    } catch (error) {
      at("trouble").textContent = error.message;
    }
  }

  function drawBasket() {
    at("basket").replaceChildren.apply(at("basket"), Array.from(basket, function (pair) {
      const line = element("li");
      const button = element("button", pair[1] + " \u00d7");
      button.type = "button";
      button.setAttribute("aria-label", "Take " + pair[1] + " out");
      button.addEventListener("click", function () { basket.delete(pair[0]); drawBasket(); });
      line.append(button);
      return line;
    }));
  }

  async function offer(list, path) {
    try {
      const found = await get(path);
      at(list).replaceChildren.apply(at(list), found.map(function (entry) {
        const option = element("option");
        option.value = entry.id;
        option.label = entry.title;
        return option;
      }));
      return found;
    } catch (error) {
      at("trouble").textContent = error.message;
      return [];
    }
  }

  async function start() {
    const known = await offer("customers", "/customers");
    if (known.length && !at("customer").value) { at("customer").value = known[0].id; ask(); }
  }

  // What is typed may be the beginning of a longer identifier: an item is taken once it is chosen
  // from the list, or the box is left, or Enter is pressed.
  function wasChosen(event) { return event.inputType === undefined || event.inputType === "insertReplacementText"; }

  function offerItems(text) { return offer("items", "/items?text=" + encodeURIComponent(text)); }

  async function take(typed) {
    const found = await offerItems(typed);
    const chosen = found.find(function (entry) { return entry.id === typed; });
    if (!chosen) return;
    basket.set(chosen.id, chosen.title);
    if (at("item").value === typed) at("item").value = "";
    drawBasket();
  }

  at("item").addEventListener("input", function (event) {
    const typed = at("item").value;
    if (wasChosen(event)) taking = take(typed);
    else offerItems(typed);
  });
  at("item").addEventListener("change", function () { if (at("item").value) taking = take(at("item").value); });
  at("customer").addEventListener("input", function () { offer("customers", "/customers?text=" + encodeURIComponent(at("customer").value)); });
  document.querySelectorAll("input[name=kind]").forEach(function (radio) {
    radio.addEventListener("change", function () {
      at("customer-part").hidden = kind() !== "customer";
      at("basket-part").hidden = kind() !== "basket";
    });
  });
  at("ask").addEventListener("submit", ask);
  at("key-form").addEventListener("submit", function (event) {
    event.preventDefault();
    key = at("key").value;
    at("key-form").hidden = true;
    at("trouble").textContent = "";
    start();
  });
  start();
})();

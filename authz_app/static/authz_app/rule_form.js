"use strict";
// Keeps the sentence above the form of a rule true while the form is edited. The server alone knows how it reads.
document.addEventListener("DOMContentLoaded", () => {
  const box = document.getElementById("rule-sentence");
  const form = document.getElementById("rule_form");
  if (!box || !form) return;
  const sentence = box.querySelector("[data-sentence]");
  const warnings = box.querySelector("[data-warnings]");
  const clients = form.querySelector(".field-for_clients");
  const limits = form.querySelectorAll(".field-limit_calls, .field-limit_period, .field-limit_per");
  const listed = form.querySelector(".field-listed_without_scopes");
  const conditions = form.querySelector("[data-conditions]");
  let waiting = 0;
  let request = null;

  function show(answer) {
    sentence.textContent = answer.sentence || "This cannot be saved yet.";
    warnings.replaceChildren(
      ...answer.warnings.map((text) => Object.assign(document.createElement("li"), { textContent: text })),
    );
  }

  async function ask() {
    request?.abort();
    request = new AbortController();
    try {
      const response = await fetch(box.dataset.url, {
        method: "POST",
        body: new FormData(form),
        signal: request.signal,
      });
      if (!response.ok || response.redirected) throw new Error(response.statusText);
      show(await response.json());
    } catch (error) {
      if (error.name === "AbortError") return;
      show({ sentence: "The sentence is not available: sign in again, or look at the server.", warnings: [] });
    }
  }

  function edited() {
    const whom = form.querySelector("input[name=applies_to]:checked");
    if (clients) clients.hidden = whom?.value === "every";
    const effect = form.querySelector("input[name=effect]:checked");
    for (const field of limits) field.hidden = effect?.value !== "limit";
    if (listed) listed.hidden = effect?.value !== "allow" || !form.querySelector("[name=token_scopes]").value.trim();
    for (const row of conditionRows()) showValue(row);
    clearTimeout(waiting);
    waiting = setTimeout(ask, 150);
  }

  function conditionRows() {
    return conditions ? [...conditions.querySelectorAll("[data-condition]")] : [];
  }

  function showValue(row) {
    const value = row.querySelector("[name=conditions_value]");
    // It is sent all the same: the parts of rows belong together by their place.
    value.hidden = ["exists", "absent"].includes(row.querySelector("select").value);
    if (value.hidden) value.value = "";
  }

  function prepare(row) {
    const remove = row.querySelector("[data-remove]");
    remove.hidden = false;
    remove.addEventListener("click", () => {
      if (conditionRows().length > 1) row.remove();
      else for (const input of row.querySelectorAll("input")) input.value = "";
      edited();
    });
  }

  if (conditions) {
    conditionRows().forEach(prepare);
    const add = conditions.querySelector("[data-add]");
    add.hidden = false;
    add.addEventListener("click", () => {
      const row = conditionRows().at(-1).cloneNode(true);
      for (const input of row.querySelectorAll("input")) input.value = "";
      row.querySelector("select").selectedIndex = 0;
      prepare(row);
      add.before(row);
      edited();
      row.querySelector("input").focus();
    });
  }

  // Select2 announces its changes by jQuery only.
  django.jQuery(form).on("change input", edited);
  edited();
});

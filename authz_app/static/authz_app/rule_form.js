"use strict";
// Keeps the sentence above the form of a rule true while the form is edited. The server alone knows how it reads.
document.addEventListener("DOMContentLoaded", () => {
  const box = document.getElementById("rule-sentence");
  const form = document.getElementById("rule_form");
  if (!box || !form) return;
  const sentence = box.querySelector("[data-sentence]");
  const warnings = box.querySelector("[data-warnings]");
  const clients = form.querySelector(".field-for_clients");
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
    clearTimeout(waiting);
    waiting = setTimeout(ask, 150);
  }

  // Select2 announces its changes by jQuery only.
  django.jQuery(form).on("change input", edited);
  edited();
});

"use strict";
// Times stand on the page in the site's time zone; hovering shows them in the reader's.
document.addEventListener("DOMContentLoaded", () => {
  for (const time of document.querySelectorAll("time.moment")) {
    time.title = new Date(time.dateTime).toLocaleString(undefined, { dateStyle: "full", timeStyle: "long" });
  }
});

// The charting library makes its style elements by itself: they get the nonce that the page's policy asks for.
"use strict";
const nonce = document.currentScript.nonce;
const createElement = document.createElement;
document.createElement = function (name, ...rest) {
  const made = createElement.call(this, name, ...rest);
  if (String(name).toLowerCase() === "style") made.nonce = nonce;
  return made;
};

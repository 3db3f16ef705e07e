// PKCE (RFC 7636) computed before one's eyes: verifier, its SHA-256, the challenge. The browser does the sums.

import { element } from "./dom.js";

/** shown   { challenge } of a request, or { verifier, spent, digest, challenge, asked_in } of its redemption */
export function pkce(shown, seek) {
  const box = element("section", "pkce", element("h3", "", "PKCE, computed"));
  if (!shown.verifier) {
    const said = "It is the SHA-256 of a verifier that has not been sent yet. Only who knows that can redeem the code.";
    box.append(chain(["code_challenge", shown.challenge]), element("p", "", said));
    return box;
  }
  const input = Object.assign(element("input"), { value: shown.verifier, spellcheck: false, readOnly: !shown.spent });
  const digest = element("code", "", shown.digest);
  const made = element("code", "", shown.challenge);
  const verdict = element("p", "verdict good");
  box.append(
    element("label", "", element("span", "", shown.spent ? "code_verifier: change a letter and see" : "code_verifier"), input),
    step("SHA-256"), chain(["digest", digest]), step("base64url"), chain(["code_challenge", made]), verdict,
  );
  judge(verdict, shown, shown.challenge, seek);
  if (shown.spent) {
    input.addEventListener("input", async () => {
      const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(input.value)));
      digest.textContent = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      made.textContent = btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
      judge(verdict, shown, made.textContent, seek);
    });
    box.append(element("p", "quiet", "This verifier is spent: its code has been redeemed, so it opens nothing any more and is shown whole."));
  }
  return box;
}

const step = (name) => element("p", "step", `↓ ${name}`);

function chain([name, value]) {
  return element("dl", "plain", element("div", "", element("dt", "", name), element("dd", "", value instanceof Node ? value : element("code", "", value))));
}

function judge(verdict, shown, made, seek) {
  const same = made === shown.challenge && shown.asked_in;
  verdict.className = same ? "verdict good" : "verdict bad";
  verdict.replaceChildren(same ? "✓ The very challenge that was sent in " : "✕ No request here carried that challenge. ");
  if (!same) return;
  const to = element("button", "inline", `arrow ${shown.asked_in}`);
  to.addEventListener("click", () => seek(shown.asked_in));
  verdict.append(to);
}

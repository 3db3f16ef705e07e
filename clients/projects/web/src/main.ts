// Shows the app after a page load, also when the user returns from a sign-in.

import { show } from "./app";
import { finishSignIn } from "./broker";

const element = document.querySelector<HTMLElement>("#app")!;
finishSignIn().then(
  (name) => show(element, name, ""),
  (error: Error) => show(element, null, `You are not signed in: ${error.message}`),
);

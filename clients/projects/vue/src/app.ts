import { createApp } from "vue";
import App from "./App.vue";

export const show = (element: HTMLElement, name: string | null, fault: string) =>
  createApp(App, { name, fault }).mount(element);

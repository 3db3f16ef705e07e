// For each provider: its name, and what the app reads from the provider's API.

import scopes from "../scopes.json";

const apis: Record<string, { name: string; path: string }> = {
  github: { name: "GitHub", path: "user" },
  google: { name: "Google", path: "oauth2/v3/userinfo" },
  slack: { name: "Slack", path: "users.list" },
  microsoft: { name: "Microsoft", path: "me" },
};

export const providerOf = (id: string) => ({ ...apis[id]!, scope: (scopes as Record<string, string>)[id]! });

import js from "@eslint/js";
import globals from "globals";

const rules = {
  "no-unused-vars": ["error", { args: "after-used", caughtErrors: "all" }],
  "no-var": "error",
  "prefer-const": "error",
  eqeqeq: "error",
  "no-shadow": "error",
  "no-use-before-define": ["error", { functions: false, variables: false }],
  "no-implicit-globals": "error",
  "no-duplicate-imports": "error",
  "no-restricted-globals": ["error", "blur", "close", "event", "find", "focus", "length", "name", "open", "origin", "parent", "print", "self", "status", "stop", "top"],
  "no-restricted-syntax": ["error", { selector: "ImportNamespaceSpecifier", message: "Name what you import." }],
};

export default [
  js.configs.recommended,
  { files: ["assets/**/*.js"], rules, languageOptions: { globals: globals.browser } },
  { files: ["assets/pure/*.js"], languageOptions: { globals: { ...Object.fromEntries(Object.keys(globals.browser).map((name) => [name, "off"])), TextDecoder: "readonly", TextEncoder: "readonly", URLSearchParams: "readonly" } } },
  { files: ["tests/javascript/**/*.js", "eslint.config.js"], rules, languageOptions: { globals: globals.node } },
];

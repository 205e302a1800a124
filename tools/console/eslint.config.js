import js from "@eslint/js";
import globals from "globals";

// Their functions of more than fifty lines are to be divided yet.
const LONG = [
  "define.js",
];

export default [
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: "latest", sourceType: "module", globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      curly: ["error", "multi-line"],
      eqeqeq: "error",
      "max-lines": ["error", { max: 420 }],
      "max-lines-per-function": ["error", { max: 50 }],
      "no-unused-vars": ["error", { ignoreRestSiblings: true }],
      "no-var": "error",
      "prefer-const": "error",
    },
  },
  { files: LONG.map((name) => `**/console/${name}`), rules: { "max-lines-per-function": "off" } },
];

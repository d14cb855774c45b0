/** Writes the values of the contract's enums as lists, for what people choose from: openapi-typescript writes their types only. */

import { readFileSync, writeFileSync } from "node:fs";

const [contract, into] = process.argv.slice(2);
const { schemas } = JSON.parse(readFileSync(contract, "utf8")).components;
const named = Object.entries(schemas).filter(([, schema]) => schema.type === "string" && schema.enum);
const lists = named.map(
  ([name, schema]) =>
    `export const ${name[0].toLowerCase()}${name.slice(1)}Values = ${JSON.stringify(schema.enum)} as const satisfies Schemas["${name}"][];\n`,
);
writeFileSync(
  into,
  `/** Made by scripts/enums.mjs from the contract: \`npm run schema\`. */\n\nimport type { components } from "./schema";\n\ntype Schemas = components["schemas"];\n\n${lists.join("")}`,
);

import { defineConfig, type Plugin } from "vite";

/** Replaces each graphql`…` by what relay-compiler has made of it. */
const relay: Plugin = {
  name: "relay",
  enforce: "pre",
  transform(code, id) {
    if (!id.endsWith(".tsx") || !code.includes("graphql`")) return;
    const imports: string[] = [];
    const replaced = code.replace(/graphql`\s*(?:query|mutation|fragment)\s+(\w+)[^`]*`/g, (_, name: string) => {
      imports.push(`import ${name}Node from "./__generated__/${name}.graphql";`);
      return `${name}Node`;
    });
    return { code: `${imports.join("\n")}\n${replaced}`, map: null };
  },
};

export default defineConfig({ plugins: [relay], base: "./" });

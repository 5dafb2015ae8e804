import { readFileSync } from "node:fs";
import type { CodegenConfig } from "@graphql-codegen/cli";
import { type DocumentNode, Kind, type SelectionSetNode, buildSchema, getNamedType, isInterfaceType, isObjectType } from "graphql";

const schema = "../../../schema.graphql";
const types = buildSchema(readFileSync(schema, "utf8"));

/** Where in an operation's answer a `DateTime` stands, such as `me.dateCreated`: src/client.ts makes a `Date` of it. */
function datesIn({ definitions }: DocumentNode): string[] {
  const dates = new Set<string>();
  const walk = (typeName: string | undefined, path: string[], { selections }: SelectionSetNode): void => {
    const type = types.getType(typeName ?? "");
    for (const selection of selections) {
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        walk(selection.typeCondition?.name.value ?? typeName, path, selection.selectionSet);
      } else if (selection.kind === Kind.FRAGMENT_SPREAD) {
        const fragment = definitions.find((it) => it.kind === Kind.FRAGMENT_DEFINITION && it.name.value === selection.name.value);
        if (fragment?.kind === Kind.FRAGMENT_DEFINITION) walk(fragment.typeCondition.name.value, path, fragment.selectionSet);
      } else {
        const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[selection.name.value] : undefined;
        const place = [...path, selection.alias?.value ?? selection.name.value];
        const name = field && getNamedType(field.type).name;
        if (name === "DateTime") dates.add(place.join("."));
        if (selection.selectionSet) walk(name, place, selection.selectionSet);
      }
    }
  };
  for (const definition of definitions) {
    if (definition.kind === Kind.OPERATION_DEFINITION) {
      walk(types.getRootType(definition.operation)?.name, [], definition.selectionSet);
    }
  }
  return [...dates];
}

const config: CodegenConfig = {
  schema,
  documents: "../../../docs/operations/*.graphql",
  config: {
    scalars: { DateTime: "Date", ID: "string", JSON: "../scalars.js#Json", Upload: "Blob" },
    strictScalars: true,
    // A newer service may answer with values that this client does not know yet.
    futureProofEnums: true,
    useTypeImports: true,
  },
  generates: {
    "src/generated/": {
      preset: "client",
      presetConfig: { fragmentMasking: false, onExecutableDocumentNode: (document) => ({ dates: datesIn(document) }) },
      config: { documentMode: "string", importExtension: ".js" },
    },
    // Enums that no operation names, `ErrorCode` above all.
    "src/generated/enums.ts": { plugins: ["typescript"], config: { onlyEnums: true, enumsAsConst: true } },
  },
};
export default config;

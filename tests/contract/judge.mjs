// The vendor's own live validator over recorded exchanges: one JSON object a line in, one a line out.
//
//   node judge.mjs <folder of definitions> <exchanges.jsonl> <verdicts.jsonl>
//
// The folder is a checkout of the vendor's API definitions, or any part of it that keeps the paths.
import { createReadStream, createWriteStream } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(process.env.SFCERT_CONTRACT_MODULES + "/");
const { LiveValidator } = require("oav/dist/lib/liveValidation/liveValidator.js");

const [, , folder, input, output] = process.argv;
const area = (name, plane) => `specification/${name}/${plane}/**/{stable,preview}/**/*.json`;
const validator = new LiveValidator({
  directory: folder,
  git: { shouldClone: false },
  swaggerPathsPattern: [
    ...["servicefabric", "compute", "keyvault", "msi", "authorization", "resources", "dns"].map((name) =>
      area(name, "resource-manager"),
    ),
    ...["servicefabric", "keyvault"].map((name) => area(name, "data-plane")),
  ],
  excludedSwaggerPathsPattern: ["**/examples/**"],
  isPathCaseSensitive: false,
  loadValidatorInBackground: false,
  loadValidatorInInitialize: false,
});
await validator.initialize();

// Three things that the validator leaves to its caller. A version that the definitions do not hold is judged by the next
// older one that they hold (else by the oldest): what it was judged by is told. Of several paths that fit, the one with
// the fewest parameters is meant: `/certificates/{name}/policy`, not `/certificates/{name}/{version}`. And what a vault
// or a node answers is described by their own definitions only: all that names no provider lies on one heap.
const searcher = validator.operationSearcher;
const home = (host) =>
  host.endsWith(".vault.azure.net") ? "keyvault/data-plane" : host === "fabric.example" ? "servicefabric/data-plane" : "";
const heldBy = (info, place) =>
  [...(searcher.cache.get(info.providerNamespace) ?? [])]
    .filter(([, methods]) => [...methods.values()].flat().some((one) => fits(one, place)))
    .map(([version]) => version);
const fits = (operation, place) => {
  const path = operation._path._spec._filePath;
  return place ? path.includes(place) : !path.includes("data-plane");
};
// Versions of the vaults are numbers until 7.6 and dates after, but for the first two. A node takes 6.0 from every client
// and answers as new as it is.
const FIRST = ["2015-06-01", "2016-10-01"];
const key = (version) => (FIRST.includes(version) ? "00" : /^\d+\.\d/.test(version) ? "0" : "") + version;
const order = (versions, asked) => {
  const sorted = versions.sort((one, other) => (key(one) < key(other) ? -1 : 1));
  const older = sorted.filter((one) => key(one) <= key(asked)).reverse();
  const preview = (one) => one.includes("preview");
  return [...older.filter((one) => !preview(one)), ...older.filter(preview), ...sorted.filter((one) => !older.includes(one))];
};
searcher.search = (info) => {
  const place = home(info.host ?? "");
  const asked = place.startsWith("servicefabric") ? "9.9" : (info.apiVersion ?? "");
  let reason;
  for (const apiVersion of [asked, ...order(heldBy(info, place), asked)]) {
    const found = searcher.getPotentialOperations({ ...info, apiVersion });
    const matches = found.matches.filter((one) => fits(one.operation, place));
    reason ??= found.reason;
    if (matches.length) {
      const open = (match) => (match.operation._path._pathTemplate.match(/{/g) ?? []).length;
      matches.sort((one, other) => open(one) - open(other));
      return { operationMatch: matches[0], apiVersion };
    }
  }
  throw reason ?? new Error("no definition describes this operation");
};

const told = (result) => ({
  operation: result.operationInfo?.operationId ?? "",
  judged_by: result.operationInfo?.apiVersion ?? "",
  failure: result.runtimeException ? `${result.runtimeException.code}: ${result.runtimeException.message}` : "",
  errors: (result.errors ?? []).map((one) => ({
    code: one.code,
    message: one.message,
    at: one.pathsInPayload,
    schema: one.schemaPath,
  })),
});

const out = createWriteStream(output);
for await (const line of createInterface({ input: createReadStream(input) })) {
  if (!line) continue;
  const { number, liveRequest, liveResponse } = JSON.parse(line);
  const seen = await validator.validateLiveRequestResponse({ liveRequest, liveResponse });
  out.write(
    JSON.stringify({
      number,
      request: told(seen.requestValidationResult),
      response: told(seen.responseValidationResult),
    }) + "\n",
  );
}
await new Promise((done) => out.end(done));

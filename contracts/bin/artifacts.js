#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Compiles the public contracts with the settings of foundry.toml and writes one JSON file each to artifacts/,
// or checks that the files there are, byte for byte, what the sources compile to. Rust and the web read them.
//
//   node bin/artifacts.js write
//   node bin/artifacts.js check
"use strict";

const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const solc = require("solc");

const root = path.join(__dirname, "..");
const folder = path.join(root, "artifacts");

/** Each interface with the contract that fulfils it, and the compiler profile of foundry.toml, if it has its own. */
const contracts = [
  { name: "ICurrency", source: "src/interfaces/ICurrency.sol" },
  { name: "Currency", source: "src/token/Currency.sol", fulfils: "ICurrency" },
  { name: "IEscrow", source: "src/interfaces/IEscrow.sol" },
  { name: "Escrow", source: "src/orders/Escrow.sol", fulfils: "IEscrow" },
  { name: "IValidators", source: "src/interfaces/IValidators.sol" },
  { name: "IValidatorRegistry", source: "src/interfaces/IValidatorRegistry.sol" },
  {
    name: "ValidatorRegistry",
    source: "src/consensus/ValidatorRegistry.sol",
    fulfils: "IValidatorRegistry",
    profile: "consensus",
  },
  { name: "IStaking", source: "src/interfaces/IStaking.sol" },
  { name: "Staking", source: "src/consensus/Staking.sol", fulfils: "IStaking", profile: "consensus" },
  { name: "IEngines", source: "src/interfaces/IEngines.sol" },
  { name: "Engines", source: "src/consensus/Engines.sol", fulfils: "IEngines", profile: "consensus" },
  { name: "IMembers", source: "src/interfaces/IMembers.sol" },
  { name: "Members", source: "src/membership/Members.sol", fulfils: "IMembers", profile: "membership" },
  { name: "IPolicies", source: "src/interfaces/IPolicies.sol" },
  { name: "Policies", source: "src/membership/Policies.sol", fulfils: "IPolicies", profile: "membership" },
  { name: "IAnchors", source: "src/interfaces/IAnchors.sol" },
  { name: "Anchors", source: "src/membership/Anchors.sol", fulfils: "IAnchors", profile: "membership" },
  { name: "IDataCatalog", source: "src/interfaces/IDataCatalog.sol" },
  { name: "DataCatalog", source: "src/membership/DataCatalog.sol", fulfils: "IDataCatalog", profile: "membership" },
  { name: "IUpgrades", source: "src/interfaces/IUpgrades.sol" },
  { name: "Upgrades", source: "src/membership/Upgrades.sol", fulfils: "IUpgrades", profile: "membership" },
];

/** The compiler settings that change bytecode, for each profile; foundry.toml is the one place that names them. */
function settings() {
  const forge = path.join(root, "node_modules", ".bin", "forge");
  const given = JSON.parse(execFileSync(forge, ["config", "--json"], { cwd: root, encoding: "utf8" }));
  return (profile) => {
    const own = given.additional_compiler_profiles.find(({ name }) => name === profile);
    if (profile !== undefined && own === undefined) throw new Error(`foundry.toml has no profile ${profile}`);
    return {
      evmVersion: own?.evm_version ?? given.evm_version,
      metadata: { appendCBOR: given.cbor_metadata, bytecodeHash: own?.bytecode_hash ?? given.bytecode_hash },
      optimizer: { enabled: own?.optimizer ?? given.optimizer, runs: own?.optimizer_runs ?? given.optimizer_runs },
      viaIR: own?.via_ir ?? given.via_ir,
    };
  };
}

/** Compiles the contracts of one profile. */
function compile(profile, chosen) {
  const read = (name) => {
    const file = path.join(root, name.startsWith("@") ? "node_modules" : "", name);
    return fs.existsSync(file) ? { contents: fs.readFileSync(file, "utf8") } : { error: `not found: ${name}` };
  };
  const input = {
    language: "Solidity",
    sources: Object.fromEntries(
      contracts.filter((each) => each.profile === profile).map(({ source }) => [source, { content: read(source).contents }]),
    ),
    settings: {
      ...chosen,
      outputSelection: { "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode", "storageLayout"] } },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: read }));
  for (const { severity, sourceLocation, formattedMessage } of output.errors ?? []) {
    const isOurs = !sourceLocation?.file.startsWith("@");
    if (severity === "error" || isOurs) fail(formattedMessage);
  }
  return output.contracts;
}

/**
 * Where a contract keeps what, as the compiler says it, without the numbers of syntax nodes: those change with any edit of any
 * file, and say nothing.
 */
function layoutOf({ storage, types }) {
  const plain = (id) => id.replaceAll(/\)\d+/g, ")");
  const places = (list) => list.map(({ label, offset, slot, type }) => ({ label, offset, slot, type: plain(type) }));
  const known = {};
  for (const [id, { base, encoding, key, label, members, numberOfBytes, value }] of Object.entries(types ?? {})) {
    const type = { encoding, label, numberOfBytes };
    for (const [name, other] of Object.entries({ base, key, value })) if (other !== undefined) type[name] = plain(other);
    if (members !== undefined) type.members = places(members);
    if (known[plain(id)] && canonical(known[plain(id)]) !== canonical(type)) fail(`two types are called ${plain(id)}`);
    known[plain(id)] = type;
  }
  return { storage: places(storage), types: known };
}

/** Where the constructor writes what is immutable into the code. */
function immutablesOf({ immutableReferences }) {
  return Object.values(immutableReferences ?? {}).flat().sort((one, other) => one.start - other.start);
}

/** JSON with sorted keys and no spaces, so that equal content means equal bytes. */
function canonical(content) {
  const sort = (part) => {
    if (Array.isArray(part)) return part.map(sort);
    if (part === null || typeof part !== "object") return part;
    return Object.fromEntries(Object.keys(part).sort().map((key) => [key, sort(part[key])]));
  };
  return `${JSON.stringify(sort(content))}\n`;
}

/** Everything an interface promises must be in its contract, in the same shape. */
function requireFulfilled(built) {
  for (const { name, fulfils } of contracts.filter((contract) => contract.fulfils)) {
    const offered = new Set(built[name].abi.map(canonical));
    const missing = built[fulfils].abi.filter((entry) => !offered.has(canonical(entry)));
    for (const entry of missing) fail(`${name} has not what ${fulfils} promises: ${entry.type} ${entry.name}`);
  }
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exitCode = 1;
}

const settingsOf = settings();
const version = solc.version().replace(/\.Emscripten.*/, "");
const built = {};
for (const profile of new Set(contracts.map((each) => each.profile))) {
  const chosen = settingsOf(profile);
  const compiled = compile(profile, chosen);
  if (process.exitCode) process.exit();
  for (const { name, source, fulfils } of contracts.filter((each) => each.profile === profile)) {
    const { abi, evm, storageLayout } = compiled[source][name];
    const compiler = { ...chosen, name: "solc", version };
    const deployedBytecode = `0x${evm.deployedBytecode.object}`;
    built[name] = { abi, bytecode: `0x${evm.bytecode.object}`, compiler, contractName: name, deployedBytecode };
    if (fulfils) Object.assign(built[name], { immutables: immutablesOf(evm.deployedBytecode), storageLayout: layoutOf(storageLayout) });
  }
}
requireFulfilled(built);

const action = process.argv[2];
const expected = new Map(contracts.map(({ name }) => [`${name}.json`, canonical(built[name])]));
if (action === "write") {
  fs.mkdirSync(folder, { recursive: true });
  for (const [file, text] of expected) fs.writeFileSync(path.join(folder, file), text);
} else if (action === "check") {
  for (const [file, text] of expected) {
    const there = path.join(folder, file);
    if (!fs.existsSync(there)) fail(`artifacts/${file} is missing; run: npm run artifacts`);
    else if (fs.readFileSync(there, "utf8") !== text) fail(`artifacts/${file} is not what the sources compile to; run: npm run artifacts`);
  }
  for (const file of fs.readdirSync(folder)) {
    if (!expected.has(file)) fail(`artifacts/${file} belongs to no contract; delete it`);
  }
} else {
  fail("usage: node bin/artifacts.js write|check");
}

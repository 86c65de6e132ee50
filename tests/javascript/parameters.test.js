// Names of parameters: what is accepted, what is suggested, and what is said of them.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { defaultPair, hasUnits, isOfNorm, layerOf, mistakeIn, pairName, pairTitle, siblingOf, suggestions, unitOf } from "../../assets/pure/parameters.js";
import { tensorName, tensorOf, tensorWith } from "../../assets/pure/tensors.js";
import { cnn, plainRun, run, transformer } from "./constants.js";

const networks = { run, plainRun, cnn, transformer };

// Any parameter of any network.
const parameter = fc.constantFrom(...Object.values(networks)).chain((network) => fc.constantFrom(...Object.entries(network.shapes)).chain(([tensor, shape]) =>
  fc.tuple(...shape.map((size) => fc.integer({ min: 0, max: size - 1 }))).map((indices) => ({ network, name: indices.length ? `${tensor}[${indices}]` : tensor, tensor, indices }))));

test("every parameter of a model is accepted, of any rank", () => {
  fc.assert(fc.property(parameter, ({ network, name }) => assert.equal(mistakeIn(name, network), null)));
});

test("an index beyond the shape is out of range, and the range is told", () => {
  fc.assert(fc.property(parameter, fc.nat(3), ({ network, tensor, indices }, more) => {
    indices.forEach((_, axis) => {
      const beyond = indices.map((index, k) => (k === axis ? network.shapes[tensor][k] + more : index));
      assert.match(mistakeIn(`${tensor}[${beyond}]`, network), new RegExp(`is out of range: .* takes \\[.*0–${network.shapes[tensor][axis] - 1}`));
    });
  }));
});

test("any other text is one sentence that says what is allowed, in the names of this very network", () => {
  const sentence = /^(".*" is not the name of a parameter: write it as .*|This model has no .*: it has .*|.* takes (no index|one index|\w+ indices): write it as .*|.* is out of range: .*)$/su;
  fc.assert(fc.property(fc.oneof(fc.string(), parameter.map(({ tensor }) => tensor), parameter.map(({ name }) => `${name}[0]`)), fc.constantFrom(...Object.values(networks)), (text, network) => {
    const mistake = mistakeIn(text, network);
    if (mistake === null) return;
    assert.match(mistake, sentence);
    const [, told] = /write it as (.*)\.$/su.exec(mistake) ?? [];
    for (const example of told?.split(" or ") ?? []) assert.equal(mistakeIn(example, network), null, example);
  }));
  assert.equal(mistakeIn("hidden.1.linear.bias", run), '"hidden.1.linear.bias" is not the name of a parameter: write it as hidden.1.linear.bias[0].');
  assert.equal(mistakeIn("hidden.1.linear.bias[-1]", run), '"hidden.1.linear.bias[-1]" is not the name of a parameter: write it as hidden.1.linear.bias[0].');
  assert.equal(mistakeIn("rubbish", cnn), '"rubbish" is not the name of a parameter: write it as conv1.bias[0] or conv1.weight[0,0,0,0].');
  assert.match(mistakeIn("hidden.7.linear.bias[0]", run), /^This model has no hidden\.7\.linear\.bias: it has hidden\.0/);
  assert.equal(mistakeIn("hidden.0.linear.weight[1]", run), "hidden.0.linear.weight takes two indices: write it as hidden.0.linear.weight[0,0].");
  assert.equal(mistakeIn("hidden.0.linear.bias[1,2]", run), "hidden.0.linear.bias takes one index: write it as hidden.0.linear.bias[0].");
  assert.equal(mistakeIn("scale[0]", transformer), "scale takes no index: write it as scale.");
  assert.equal(mistakeIn("mixer.weight[0]", transformer), "mixer.weight takes five indices: write it as mixer.weight[0,0,0,0,0].");
  assert.match(mistakeIn("hidden.0.norm.bias[0]", plainRun), /^This model has no hidden\.0\.norm\.bias/);
  assert.match(mistakeIn("constructor", run), /is not the name/);
});

test("of a network with very many tensors, the first are named", () => {
  const many = { shapes: Object.fromEntries(Array.from({ length: 100 }, (_, k) => [`blocks.${k}.bias`, [2]])), tensors: {} };
  assert.match(mistakeIn("nothing[0]", many), /it has blocks\.0\.bias, .*blocks\.14\.bias and 85 more\.$/);
});

test("what is suggested can be taken, and there are never too many", () => {
  fc.assert(fc.property(fc.oneof(fc.string(), parameter.map(({ name }) => name), parameter.map(({ tensor }) => tensor)), parameter, (typed, { name, network }) => {
    const found = suggestions(typed, name, network);
    assert.ok(found.length <= 60);
    assert.equal(new Set(found).size, found.length);
    for (const each of found) assert.equal(mistakeIn(each, network), null, each);
  }));
});

test("what is written is completed", () => {
  fc.assert(fc.property(parameter, ({ name, network }) => assert.ok(suggestions(name, "", network).includes(name))));
  assert.deepEqual(suggestions("hidden.1.linear.bias[1", "", run), ["hidden.1.linear.bias[1]"]);
  assert.deepEqual(suggestions("hidden.0.linear.bias[1", "", run).slice(0, 3), ["hidden.0.linear.bias[1]", "hidden.0.linear.bias[10]", "hidden.0.linear.bias[11]"]);
  assert.deepEqual(suggestions("hidden.1.linear.weight[3,", "", run).length, 12);
  assert.deepEqual(suggestions("conv1.weight[2,0,", "", cnn), ["conv1.weight[2,0,0,0]", "conv1.weight[2,0,1,0]", "conv1.weight[2,0,2,0]"]);
  assert.deepEqual(suggestions("sca", "", transformer), ["scale"]);
  assert.deepEqual(suggestions("nothing", "", run), []);
  assert.deepEqual(suggestions("output.weight[x", "", run), []);
});

test("without a search, the layer of the present choice comes first", () => {
  const found = suggestions("", "hidden.1.linear.bias[3]", run);
  assert.ok(found[0].startsWith("hidden.1."));
  assert.ok(found.some((name) => name.startsWith("output.")));
  assert.deepEqual(suggestions("hidden.1.linear.bias[3]", "hidden.1.linear.bias[3]", run), found);
});

test("layer and title are what the server says of the tensor, the unit is the first index", () => {
  fc.assert(fc.property(parameter, ({ name, tensor, indices, network }) => {
    assert.equal(layerOf(name, network), network.tensors[tensor].layer);
    assert.equal(unitOf(name), indices[0] ?? 0);
  }));
  assert.equal(pairTitle("hidden.1.linear.bias[0]", "hidden.1.linear.weight[0,3]", run), "Hidden layer 1");
  assert.equal(pairTitle("hidden.1.linear.bias[0]", "output.bias[0]", run), "Hidden layer 1 × output layer");
  assert.equal(pairTitle("conv1.bias[0]", "fc.bias[0]", cnn), "conv1 × fc");
  assert.deepEqual([layerOf(null, run), layerOf("encoder.weight[0]", run), pairTitle("a[0]", "b[0]", null), pairName("a[0]", "b[0]", null)], ["", "", "", ""]);
  assert.equal(pairName("hidden.1.linear.bias[0]", "output.bias[0]", run), "hidden layer 1 × output layer");
  assert.deepEqual([hasUnits("hidden.0.linear.bias[0]", run), hasUnits("output.bias[0]", run), hasUnits("a[0]", null)], [true, false, false]);
});

test("a layer's pair is its first two biases, or other first numbers of the layer", () => {
  assert.deepEqual(defaultPair("0", run), ["hidden.0.linear.bias[0]", "hidden.0.linear.bias[1]"]);
  assert.deepEqual(defaultPair("2", run), ["hidden.2.linear.bias[0]", "hidden.2.linear.weight[0,0]"]);
  assert.deepEqual(defaultPair("output", run), ["output.bias[0]", "output.weight[0,0]"]);
  assert.deepEqual(defaultPair("norm1", cnn), ["norm1.bias[0]", "norm1.bias[1]"]);
  assert.deepEqual(defaultPair("embedding", transformer), ["embedding.weight[0,0]", "embedding.weight[1,0]"]);
  assert.deepEqual(defaultPair("mixer", transformer), ["mixer.weight[0,0,0,0,0]", "mixer.weight[0,0,0,1,0]"]);
  assert.deepEqual(defaultPair(".", transformer), ["scale", "embedding.weight[0,0]"]);
  assert.equal(defaultPair(".", { shapes: { scale: [] }, tensors: transformer.tensors }), null);
  for (const network of Object.values(networks))
    for (const { layer } of Object.values(network.tensors)) for (const name of defaultPair(layer, network)) assert.equal(mistakeIn(name, network), null);
});

test("a tensor is known by its own name, and by those of its parameters", () => {
  fc.assert(fc.property(parameter, ({ name, tensor, network: { tensors }, network }) => {
    assert.equal(tensorName(name), tensor);
    assert.deepEqual(tensorOf(name, network), tensors[tensor]);
    assert.deepEqual(tensorOf(tensor, network), tensors[tensor]);
    assert.equal(tensorWith(tensors[tensor].layer, tensors[tensor].kind, network), tensor);
  }));
  assert.equal(tensorWith("0", "beta", plainRun), undefined);
});

test("networks of one name for a tensor do not know each other's", () => {
  const other = { shapes: cnn.shapes, tensors: { "fc.bias": { layer: "head", label: "head", kind: "beta" } } };
  assert.deepEqual([layerOf("fc.bias[0]", cnn), layerOf("fc.bias[0]", other), isOfNorm("fc.bias[0]", cnn), isOfNorm("fc.bias[0]", other)], ["fc", "head", false, true]);
});

test("β, γ and the bias of one unit lead to each other, where the model has them", () => {
  assert.deepEqual(["beta", "gamma", "bias"].map((kind) => siblingOf("hidden.1.linear.weight[3,7]", kind, run)), ["hidden.1.norm.bias[3]", "hidden.1.norm.weight[3]", "hidden.1.linear.bias[3]"]);
  assert.equal(siblingOf("hidden.1.norm.bias[3]", "bias", run), "hidden.1.linear.bias[3]");
  assert.equal(siblingOf("hidden.1.linear.bias[3]", "beta", plainRun), undefined);
  assert.equal(siblingOf("conv1.weight[3,0,1,2]", "bias", cnn), "conv1.bias[3]");
  assert.deepEqual([siblingOf("conv1.bias[3]", "beta", cnn), siblingOf("scale", "weight", transformer)], [undefined, undefined]);
  fc.assert(fc.property(parameter, ({ name, tensor, network }) => assert.equal(isOfNorm(name, network), ["gamma", "beta"].includes(network.tensors[tensor].kind))));
});

// Names of parameters: what is accepted, what is suggested, and what is said of them.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { defaultPair, hasNorm, isOfNorm, layerOf, mistakeIn, pairName, pairTitle, siblingOf, suggestedPairs, suggestions, unitOf } from "../../assets/pure/parameters.js";
import { tensorName, tensorOf, tensorWith } from "../../assets/pure/tensors.js";
import { plainRun, run, tensors } from "./constants.js";

// Any parameter of the run.
const parameter = fc.constantFrom(...Object.entries(run.shapes)).chain(([tensor, shape]) =>
  fc.tuple(...shape.map((size) => fc.integer({ min: 0, max: size - 1 }))).map((indices) => ({ name: `${tensor}[${indices}]`, tensor, indices })));

test("every parameter of a model is accepted", () => {
  fc.assert(fc.property(parameter, ({ name }) => assert.equal(mistakeIn(name, run), null)));
});

test("an index beyond the shape is out of range, and the range is told", () => {
  fc.assert(fc.property(parameter, fc.nat(3), ({ tensor, indices }, more) => {
    indices.forEach((_, axis) => {
      const beyond = indices.map((index, k) => (k === axis ? run.shapes[tensor][k] + more : index));
      assert.match(mistakeIn(`${tensor}[${beyond}]`, run), new RegExp(`is out of range: .* takes \\[.*0–${run.shapes[tensor][axis] - 1}`));
    });
  }));
});

test("any other text is one sentence that says what is allowed", () => {
  fc.assert(fc.property(fc.string(), (text) => {
    const mistake = mistakeIn(text, run);
    if (mistake !== null) assert.match(mistake, /^(".*" is not the name of a parameter: write it as .*|This model has no .*: it has .*|.* takes (one index|two indices).*|.* is out of range: .*)$/su);
  }));
  assert.match(mistakeIn("hidden.1.linear.bias", run), /is not the name of a parameter/);
  assert.match(mistakeIn("hidden.1.linear.bias[-1]", run), /is not the name of a parameter/);
  assert.match(mistakeIn("hidden.7.linear.bias[0]", run), /^This model has no hidden\.7\.linear\.bias: it has hidden\.0/);
  assert.equal(mistakeIn("hidden.0.linear.weight[1]", run), "hidden.0.linear.weight takes two indices, [unit,input].");
  assert.equal(mistakeIn("hidden.0.linear.bias[1,2]", run), "hidden.0.linear.bias takes one index, [unit].");
  assert.match(mistakeIn("hidden.0.norm.bias[0]", plainRun), /^This model has no hidden\.0\.norm\.bias/);
});

test("what is suggested can be taken, and there are never too many", () => {
  fc.assert(fc.property(fc.oneof(fc.string(), parameter.map(({ name }) => name), parameter.map(({ tensor }) => tensor)), parameter, (typed, { name }) => {
    const found = suggestions(typed, name, run);
    assert.ok(found.length <= 60);
    assert.equal(new Set(found).size, found.length);
    for (const each of found) assert.equal(mistakeIn(each, run), null, each);
  }));
});

test("what is written is completed", () => {
  fc.assert(fc.property(parameter, ({ name }) => assert.ok(suggestions(name, "", run).includes(name))));
  assert.deepEqual(suggestions("hidden.1.linear.bias[1", "", run), ["hidden.1.linear.bias[1]"]);
  assert.deepEqual(suggestions("hidden.0.linear.bias[1", "", run).slice(0, 3), ["hidden.0.linear.bias[1]", "hidden.0.linear.bias[10]", "hidden.0.linear.bias[11]"]);
  assert.deepEqual(suggestions("hidden.1.linear.weight[3,", "", run).length, 12);
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
  fc.assert(fc.property(parameter, ({ name, tensor, indices }) => {
    assert.equal(layerOf(name), tensor.startsWith("output") ? "output" : tensor.split(".")[1]);
    assert.equal(unitOf(name), indices[0]);
  }));
  assert.equal(pairTitle("hidden.1.linear.bias[0]", "hidden.1.linear.weight[0,3]"), "Hidden layer 1");
  assert.equal(pairTitle("hidden.1.linear.bias[0]", "output.bias[0]"), "Hidden layer 1 × output layer");
  assert.deepEqual([layerOf(null), layerOf("encoder.weight[0]"), pairTitle("a[0]", "b[0]"), pairName("a[0]", "b[0]")], ["", "", "", ""]);
  assert.equal(pairName("hidden.1.linear.bias[0]", "output.bias[0]"), "hidden layer 1 × output layer");
});

test("a layer's pair is its first two biases, or a bias and a weight", () => {
  assert.deepEqual(defaultPair("0", run), ["hidden.0.linear.bias[0]", "hidden.0.linear.bias[1]"]);
  assert.deepEqual(defaultPair("2", run), ["hidden.2.linear.bias[0]", "hidden.2.linear.weight[0,0]"]);
  assert.deepEqual(defaultPair("output", run), ["output.bias[0]", "output.weight[0,0]"]);
  assert.deepEqual(suggestedPairs(run), { a: defaultPair("1", run), b: defaultPair("2", run) });
  for (const pair of Object.values(suggestedPairs({ ...run, hidden: [20] }))) for (const name of pair) assert.equal(mistakeIn(name, run), null);
});

test("only a model with batch norm has β and γ", () => {
  assert.deepEqual([hasNorm(run), hasNorm(plainRun), hasNorm(undefined)], [true, false, false]);
});

test("a tensor is known by its own name, and by those of its parameters", () => {
  fc.assert(fc.property(parameter, ({ name, tensor }) => {
    assert.equal(tensorName(name), tensor);
    assert.deepEqual(tensorOf(name), tensors[tensor]);
    assert.deepEqual(tensorOf(tensor), tensors[tensor]);
    assert.equal(tensorWith(tensors[tensor].layer, tensors[tensor].kind, run), tensor);
  }));
  assert.equal(tensorWith("0", "beta", plainRun), undefined);
});

test("β, γ and the bias of one unit lead to each other, where the model has them", () => {
  assert.deepEqual(["beta", "gamma", "bias"].map((kind) => siblingOf("hidden.1.linear.weight[3,7]", kind, run)), ["hidden.1.norm.bias[3]", "hidden.1.norm.weight[3]", "hidden.1.linear.bias[3]"]);
  assert.equal(siblingOf("hidden.1.norm.bias[3]", "bias", run), "hidden.1.linear.bias[3]");
  assert.equal(siblingOf("hidden.1.linear.bias[3]", "beta", plainRun), undefined);
  fc.assert(fc.property(parameter, ({ name, tensor }) => assert.equal(isOfNorm(name), tensor.includes(".norm."))));
});

// What is drawn over the arrows when it is wanted: the path through the epochs, the spread of the minibatches.
(function () {
  const gv = (window.gradviz = window.gradviz || {});

  function wants(view, overlay) {
    return view.show.includes(overlay);
  }

  function strokesOf(view, plan, frame, style) {
    if (!frame || frame.difference) return [];
    const strokes = [];
    const spread = spreadFrames(view, plan);
    if (spread) strokes.push(...gv.fan.strokesOf(spread, style, frame.points));
    if (wants(view, "path")) strokes.push(...gv.path.strokesOf(plan.epochs.frames, epochFrame(view, frame), style.halfWidth));
    return strokes;
  }

  function sentencesOf(view, plan, frame) {
    if (!frame || frame.difference) return [];
    const minibatches = minibatchFrames(view, plan);
    const sentences = [];
    if (minibatches) sentences.push(gv.fan.sentenceOf(minibatches));
    if (wants(view, "path")) sentences.push(gv.path.sentenceOf(plan.epochs.frames, epochFrame(view, frame), view.half_width, Boolean(plan.epochs.loading)));
    return sentences.filter(Boolean);
  }

  // The frames of all minibatches of the checkpoint on show, once they are all there.
  function minibatchFrames(view, plan) {
    const stack = plan.minibatches;
    return stack && stack.selection.epoch === view.epoch && !stack.loading && stack.frames.size > 1 ? stack.frames : null;
  }

  function spreadFrames(view, plan) {
    return wants(view, "spread") ? minibatchFrames(view, plan) : null;
  }

  // A minibatch's frame is numbered by minibatch: on the path it is at the epoch on show.
  function epochFrame(view, frame) {
    return { x: frame.x, y: frame.y, index: view.epoch };
  }

  gv.overlays = { wants, strokesOf, sentencesOf };
})();

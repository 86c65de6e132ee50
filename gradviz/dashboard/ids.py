"""Ids of the page's components: one constant each, in Python and, with the same text, in JavaScript."""

# Choices.
VIEW = "view"
VARIANT = "variant"
COMPARED = "compared"
LAYER = {"a": "layer-a", "b": "layer-b"}
LAYER_LISTS = {"a": "layers-a", "b": "layers-b"}
MINIBATCH_SIZE = "minibatch-size"
MODE = "mode"
MASKS = "masks"
SEED = "seed"
HALF_WIDTH = "half-width"
POINTS = "points"
UNDER = "under"
LENGTH = "length"
RANGE = "range"
DIRECTION = "direction"
PART = "part"
SCALES = "scales"
MINUS = "minus"
SHOW = "show"
CURVES = "curves"
SCHEME = "scheme"

# Stores.
ADDRESS = "address"  # Store: the query string of the page, at load and after back and forward
OPENED = "opened"  # Store: the checked view of the address, and notices about it
CHOSEN = "chosen"  # Store: all choices as the page shows them
CONSTANTS = "constants"  # Store: the look, handed to the JavaScript

# Islands where JavaScript draws; React leaves their content alone.
SCRUBBER = "scrubber"
MINIBATCH = "minibatch-scrubber"
MINIBATCH_PLAYER = "minibatch-player"
SPREAD_WORDS = "spread-words"
SPREAD_NUMBERS = "spread-numbers"
SPREAD_TABLE = "spread-table"
SPREAD_MEASURES = "spread-measures"
MEASURES_TABLE = "measures-table"
ROSE = "rose"
ROSE_KEY = "rose-key"
MATRIX = "matrix"
MATRIX_NOTE = "matrix-note"
COSINE_BAR = "cosine-bar"
MINIS = "minis"
MINIS_CANVAS = "minis-canvas"
TIP = "tip"
CAPTIONS = tuple(f"caption-{slot}" for slot in range(3))
TITLES = tuple(f"title-{slot}" for slot in range(3))
READINGS = tuple(f"reading-{slot}" for slot in range(3))
CROSSES = tuple(f"cross-{slot}" for slot in range(3))
ZOOMED = tuple(f"zoomed-{slot}" for slot in range(3))
GROUNDS = tuple(f"ground-{slot}" for slot in range(3))
ROWS_BUTTONS = tuple(f"rows-button-{slot}" for slot in range(3))
ROWS_CANVASES = tuple(f"rows-canvas-{slot}" for slot in range(3))
ROWS = "rows"
ROWS_TOLD = "rows-told"
NUMBERS = tuple(f"numbers-{slot}" for slot in range(3))
PROBE = "probe"
PAIR_LINES = {"a": "pair-line-a", "b": "pair-line-b"}
FIRST_NOTE = "first-note"
PROBES = tuple(f"probe-{slot}" for slot in range(3))
PROBE_LEGENDS = tuple(f"probe-legend-{slot}" for slot in range(3))
SPOKEN = "spoken"
VEILS = tuple(f"veil-{slot}" for slot in range(3))
CANVASES = tuple(f"canvas-{slot}" for slot in range(3))
NOTICES = "notices"
STATUS = "status"
EXPORT = "export"
LESSON = "lesson"
TRAINING = "training"
EVIDENCE_STATE = "evidence-state"
EVIDENCE_CLAIMS = "evidence-claims"
EMPTY = "empty"

# Paths.
PATHS_FORM = "paths-form"
PATHS_STATE = "paths-state"
PATHS_SUMMARY = "paths-summary"
PATHS_LEGEND = "paths-legend"
PATHS_FAN = "paths-fan"
PATHS_FAN_CANVAS = "paths-fan-canvas"
PATHS_ACROSS = "paths-across"
PATHS_UP = "paths-up"
PATHS_SCALE = "paths-scale"
PATHS_PLANE = "paths-plane"
PATHS_SCRUBBER = "paths-scrubber"
PATHS_STEP = "paths-step"
PATHS_CURVES = "paths-curves"
PATHS_TABLE = "paths-table"
PATHS_NUMBERS = "paths-numbers"
PATHS_RESULT = "paths-result"

# Pictures.
PANELS = tuple(f"panel-{slot}" for slot in range(3))
GRAPHS = tuple(f"graph-{slot}" for slot in range(3))
FAMILIES = "families"
LOSS = "loss"
LOSS_MARK = "loss-mark"
LOSS_NAMES = "loss-names"
COURSE = "course"
SCALE = "scale"
GRID = "grid"
GRID_TITLE = "grid-title"
GRID_CANVAS = "grid-canvas"
GRID_BUTTONS = "grid-buttons"
GRID_READING = "grid-reading"
GRID_NUMBERS = "grid-numbers"
GRID_ZOOMED = "zoomed-grid"

# Training, and the question before deleting.
TRAIN_START = "train-start"
TRAIN_STOP = "train-stop"
TRAIN_AGAIN = "train-again"
CONFIRM = "confirm"
CONFIRM_TEXT = "confirm-text"
CONFIRM_YES = "confirm-yes"
CONFIRM_NO = "confirm-no"

SIDEBAR = "sidebar"
BURGER = "burger"
SHEET_HANDLE = "sheet-handle"
PRESENT = "present"
SHELL = "shell"

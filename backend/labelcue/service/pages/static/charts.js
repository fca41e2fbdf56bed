// Charts by BokehJS, in the colours of the page. Each chart's data stands beside it as JSON.
"use strict";

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const PALETTE = ["#4c5fd5", "#d9822b", "#2b9e77", "#c23b6e", "#7a5bc2", "#8a8f2a", "#3d97b8", "#a15c3e"];
const SHAPES = ["circle", "square", "triangle", "diamond", "inverted_triangle", "hex", "star", "cross"];
const RAMP = ["#2b4a8c", "#3a6fb0", "#5f95c4", "#94b8d1", "#d1d2c0", "#e9bd7c", "#e2954f", "#cf6a35", "#a8431f"];
const source = (data) => new Bokeh.ColumnDataSource({ data });
const named = (...names) => Object.fromEntries(names.map((name) => [name, { field: name }]));

function styled(plot) {
  const ink = css("--dim"), line = css("--line");
  plot.background_fill_color = plot.border_fill_color = null;
  plot.outline_line_color = null;
  for (const axis of [...plot.below, ...plot.left]) {
    axis.axis_line_color = axis.major_tick_line_color = line;
    axis.minor_tick_line_color = null;
    axis.major_label_text_color = axis.axis_label_text_color = ink;
    axis.axis_label_text_font_style = "normal";
    axis.major_label_text_font_size = axis.axis_label_text_font_size = "12px";
  }
  for (const grid of plot.center) grid.grid_line_color = line;
  return plot;
}

function figure(spec, options = {}) {
  const plot = Bokeh.Plotting.figure({
    sizing_mode: "stretch_both",
    tools: "",
    toolbar_location: null,
    x_axis_type: spec.time ? "datetime" : "linear",
    x_axis_label: spec.x_name || null,
    y_axis_label: spec.y_name || null,
    ...options,
  });
  if (spec.percent) plot.left[0].formatter = new Bokeh.NumeralTickFormatter({ format: "0 %" });
  return styled(plot);
}

const KINDS = {
  steps(spec) {
    const plot = figure(spec);
    plot.step({ field: "x" }, { field: "y" }, "after", {
      source: source({ x: spec.x, y: spec.y }), line_width: 2.5, line_color: css("--accent"),
    });
    return plot;
  },

  line(spec) {
    const plot = figure(spec);
    if (spec.at !== undefined) {
      const x = [spec.x[0], spec.x[spec.x.length - 1]];
      plot.line(x, [spec.at, spec.at], { line_dash: "dashed", line_color: css("--dim"), line_width: 1.5 });
    }
    plot.line({ field: "x" }, { field: "y" }, {
      source: source({ x: spec.x, y: spec.y }), line_width: 2.5, line_color: css("--accent"),
    });
    return plot;
  },

  curve(spec) {
    const plot = figure({ ...spec, percent: true });
    const accent = css("--accent"), grey = css("--dim");
    for (const [part, fill] of [[spec.measured, 0.22], [spec.forecast, 0.1]]) {
      if (!part.labels.length) continue;
      const x = part.labels.concat(part.labels.slice().reverse());
      plot.patch(x, part.low.concat(part.high.slice().reverse()), { fill_color: accent, fill_alpha: fill, line_color: null });
    }
    plot.line(spec.random.labels, spec.random.value, { line_color: grey, line_width: 2 });
    // Not joined to what is measured: the forecast is that of the trend, which single models lie above and below.
    plot.line(spec.forecast.labels, spec.forecast.value, { line_color: accent, line_width: 2, line_dash: "dashed" });
    plot.line(spec.measured.labels, spec.measured.value, { line_color: accent, line_width: 2.5 });
    return plot;
  },

  map(spec) {
    const plot = figure(spec, {
      tools: "lasso_select,pan,wheel_zoom,tap,hover,reset", toolbar_location: "right",
    });
    plot.toolbar.tools.find((tool) => tool instanceof Bokeh.HoverTool).tooltips = [["task", "@task"]];
    plot.toolbar.logo = null;
    plot.toolbar.active_drag = plot.toolbar.tools.find((tool) => tool instanceof Bokeh.LassoSelectTool);
    for (const axis of [...plot.below, ...plot.left, ...plot.center]) axis.visible = false;
    const points = source({ x: spec.x, y: spec.y, task: spec.tasks, ...coloured(spec, "label") });
    plot.scatter({ field: "x" }, { field: "y" }, {
      source: points, size: 7, ...named("fill_color", "fill_alpha", "marker"), line_color: null,
      selection_line_color: css("--ink"), selection_fill_alpha: 1, nonselection_fill_alpha: 0.15,
    });
    wire(spec, points);
    return plot;
  },
};

// Colour and shape of every point: a class has both, so that nobody has to tell colours apart.
function coloured(spec, by) {
  if (by === "uncertainty") {
    const step = (value) => RAMP[Math.min(RAMP.length - 1, Math.floor(value * RAMP.length))];
    return {
      fill_color: spec.uncertainty.map(step), fill_alpha: spec.uncertainty.map(() => 0.85),
      marker: spec.uncertainty.map(() => "circle"),
    };
  }
  const slices = slicesBy(spec, by), values = slices ? slices.of : spec[by];
  const many = slices ? slices.names.length : Infinity, grey = css("--dim");
  return {
    fill_color: values.map((one) => (one < 0 || one >= many ? grey : colour(one))),
    fill_alpha: values.map((one) => (one < 0 ? 0.3 : 0.9)),
    marker: values.map((one) => (one < 0 ? "circle" : one >= many ? "square" : shape(one))),
  };
}

// With more values than colours the shape changes, too, so that no two look alike.
const colour = (one) => PALETTE[one % PALETTE.length];
const shape = (one) => SHAPES[(one + Math.floor(one / PALETTE.length)) % SHAPES.length];

// The slices of a field, where the points are coloured by one.
function slicesBy(spec, by) {
  return by.startsWith("slice ") ? spec.slices[Number(by.slice(6))] : null;
}

// The map's form: colours, what is chosen, and the text of the task that was clicked.
const chosen = { indices: [] };

function wire(spec, points) {
  const by = document.getElementById("colour"), legend = document.getElementById("legend");
  const paint = () => {
    points.data = { x: spec.x, y: spec.y, task: spec.tasks, ...coloured(spec, by.value) };
    legend.replaceChildren(...keys(spec, by.value));
  };
  by.onchange = paint;
  points.selected.change.connect(() => choose(spec, points.selected.indices));
  points.selected.indices = chosen.indices;
  paint();
}

function choose(spec, indices) {
  chosen.indices = indices;
  const tasks = indices.map((place) => spec.tasks[place]);
  document.getElementById("chosen").value = tasks.join(",");
  document.getElementById("pin").disabled = document.getElementById("hold").disabled = !tasks.length;
  document.getElementById("count").textContent = tasks.length
    ? `${tasks.length.toLocaleString("en")} ${tasks.length === 1 ? "task is" : "tasks are"} chosen.` : "No task is chosen.";
  if (tasks.length === 1) peek(spec.peek + tasks[0]);
}

async function peek(address) {
  const said = await (await fetch(address)).json();
  const place = document.getElementById("peek"), link = document.createElement(said.link ? "a" : "span");
  if (said.link) Object.assign(link, { href: said.link, target: "_blank", rel: "noopener" });
  link.textContent = `Task ${said.task}`;
  place.replaceChildren(link, `: ${said.text}`);
}

function keys(spec, by) {
  const key = (form, fill, text) => {
    const entry = document.createElement("span"), mark = document.createElement("i");
    entry.className = "key";
    mark.className = form;
    mark.style.background = fill;
    entry.append(mark, text);
    return entry;
  };
  if (by === "uncertainty") return [key("circle", RAMP[0], "sure"), key("circle", RAMP[RAMP.length - 1], "unsure")];
  const slices = slicesBy(spec, by), grey = css("--dim");
  const found = (slices ? slices.names : spec.classes.slice(0, 30)).map((name, one) => key(shape(one), colour(one), name));
  if (slices) return [...found, ...(slices.others ? [key("square", grey, "others")] : []), key("circle", grey, "no value")];
  return [...found, key("circle", css("--dim"), by === "label" ? "no label yet" : "no prediction yet")];
}

function draw(place) {
  const spec = JSON.parse(document.getElementById(place.dataset.chart).textContent);
  place.replaceChildren();
  Bokeh.Plotting.show(KINDS[spec.kind](spec), place);
}

const places = document.querySelectorAll("[data-chart]");
const drawAll = () => places.forEach(draw);
if (places.length) {
  drawAll();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
}

// Charts by BokehJS, in the colours of the page. Each chart's data stands beside it as JSON.
"use strict";

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const PALETTE = ["#4c5fd5", "#d9822b", "#2b9e77", "#c23b6e", "#7a5bc2", "#8a8f2a", "#3d97b8", "#a15c3e"];
const NUMBER = new Intl.NumberFormat("en-GB");

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
  plot.toolbar.logo = null;
  return plot;
}

function figure(spec, options = {}) {
  const plot = Bokeh.Plotting.figure({
    sizing_mode: "stretch_both",
    tools: "pan,xwheel_zoom,reset",
    toolbar_location: null,
    x_axis_type: spec.time ? "datetime" : "linear",
    x_axis_label: spec.x_name || null,
    y_axis_label: spec.y_name || null,
    ...options,
  });
  return styled(plot);
}

const KINDS = {
  steps(spec) {
    const plot = figure(spec);
    const source = new Bokeh.ColumnDataSource({ data: { x: spec.x, y: spec.y } });
    plot.step({ field: "x" }, { field: "y" }, "after", { source, line_width: 2.5, line_color: css("--accent") });
    return plot;
  },
};

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

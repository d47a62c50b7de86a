"""The coach's page: everything in one file, nothing from the network, letters to be read from two metres away."""

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>evcam coach</title>
<style>
  :root { color-scheme: dark; --back: #0b0d12; --panel: #161921; --edge: #303646; --ink: #e2e6ee; --faint: #8089a0;
          --good: #5ed690; --poor: #ffc857; --bad: #ff6363; --on: #ff8648; }
  * { box-sizing: border-box; }
  body { margin: 0; background: var(--back); color: var(--ink); font: 18px/1.35 system-ui, "DejaVu Sans", sans-serif; }
  header { padding: 18px 28px 14px; border-bottom: 4px solid var(--edge); min-height: 7.2rem; }
  header.enough { background: var(--good); color: #062513; border-color: var(--good); }
  header.over { border-color: var(--poor); }
  h1 { margin: 0; font-size: clamp(2rem, 5vw, 4.2rem); line-height: 1.08; letter-spacing: -0.01em; }
  header p { margin: 8px 0 0; font-size: clamp(1rem, 1.8vw, 1.5rem); color: var(--faint); }
  header.enough p { color: #0d4023; }
  main { display: grid; grid-template-columns: minmax(0, 1.5fr) minmax(19rem, 1fr); gap: 22px; padding: 22px 28px; }
  @media (max-width: 800px) { main { grid-template-columns: minmax(0, 1fr); padding: 14px; } header { padding: 14px; } }
  figure { margin: 0; background: var(--panel); border-radius: 10px; overflow: hidden; }
  canvas { display: block; width: 100%; }
  figcaption { padding: 8px 14px; color: var(--faint); display: flex; justify-content: space-between; gap: 1rem; }
  section { background: var(--panel); border-radius: 10px; padding: 14px 18px; margin-bottom: 16px; }
  h2 { margin: 0 0 10px; font-size: 1rem; color: var(--faint); font-weight: 600; letter-spacing: .04em; }
  .goal { margin: 0 0 12px; }
  .goal div { display: flex; justify-content: space-between; gap: 1rem; font-size: 1.25rem; }
  .bar { height: 14px; border-radius: 7px; background: var(--edge); overflow: hidden; margin-top: 4px; }
  .bar i { display: block; height: 100%; background: var(--poor); transition: width .4s; }
  .met .bar i { background: var(--good); }
  ul { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 8px; }
  li { padding: 5px 12px; border-radius: 99px; border: 2px solid var(--poor); color: var(--poor); font-size: 1.1rem; }
  li.done { border-color: var(--good); color: var(--good); }
</style>
</head>
<body>
<header id="head"><h1 id="say">Waiting for events</h1><p id="why"></p></header>
<main>
  <figure>
    <canvas id="picture" width="640" height="480" aria-label="events, the board that was found, and where it has been"></canvas>
    <figcaption><span id="board">no board yet</span><span id="clock"></span></figcaption>
  </figure>
  <div>
    <section><h2>How sure</h2><div id="goals">Not known yet.</div></section>
    <section><h2>Still missing</h2><ul id="missing"></ul></section>
    <section><h2>So far</h2><div id="sofar">nothing</div></section>
  </div>
</main>
<script>
"use strict";
const $ = id => document.getElementById(id);
const canvas = $("picture"), pen = canvas.getContext("2d"), image = new Image();
// The board is found half a second after its events: pictures wait for it, so that both are of the same moment.
const WAIT_S = 0.6, SAME_S = 0.03;
let size = [640, 480], pictures = [], boards = [], points = [], covered = [];

function draw() {
  const zoom = canvas.width / size[0];
  pen.imageSmoothingEnabled = false;
  pen.fillStyle = "#161921";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  if (image.complete && image.naturalWidth) pen.drawImage(image, 0, 0, canvas.width, canvas.height);
  const rows = covered.length, columns = rows ? covered[0].length : 0;
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) {
    const w = canvas.width / columns, h = canvas.height / rows;
    pen.fillStyle = covered[r][c] ? "rgba(94, 214, 144, .17)" : "rgba(255, 99, 99, .10)";
    pen.fillRect(c * w + 1, r * h + 1, w - 2, h - 2);
  }
  pen.strokeStyle = pen.fillStyle = "#ffffff";
  pen.lineWidth = 2;
  for (const [x, y] of points) {
    pen.beginPath();
    pen.arc((x + .5) * zoom, (y + .5) * zoom, 5, 0, 7);
    pen.stroke();
  }
}

function fill(list, items) {
  list.replaceChildren(...items.map(([text, done]) => {
    const item = document.createElement("li");
    item.textContent = text;
    if (done) item.className = "done";
    return item;
  }));
}

function goals(all) {
  if (!all.length) { $("goals").textContent = "Not known yet."; return; }
  $("goals").replaceChildren(...all.map(goal => {
    const box = document.createElement("div"), line = document.createElement("div");
    const name = document.createElement("span"), value = document.createElement("b"), bar = document.createElement("div");
    box.className = goal.met ? "goal met" : "goal";
    name.textContent = goal.name;
    value.textContent = `\\u00b1 ${goal.std.toPrecision(2)} ${goal.unit} of ${goal.wanted} ${goal.unit}`;
    bar.className = "bar";
    bar.append(document.createElement("i"));
    bar.firstChild.style.width = `${100 * goal.share}%`;
    line.append(name, value);
    box.append(line, bar);
    return box;
  }));
}

const capital = text => text.charAt(0).toUpperCase() + text.slice(1);

function progress(now) {
  covered = now.covered;
  const missing = [
    ...now.missing.zones.map(name => `image: ${name}`), ...now.missing.sides.map(name => `tilt: ${name} side away`),
    ...now.missing.distances, ...now.missing.motions.map(name => `move ${name}`),
  ];
  fill($("missing"), missing.length ? missing.map(text => [text, false]) : [["nothing", true]]);
  goals(now.goals);
  $("head").className = now.enough ? "enough" : now.over ? "over" : "";
  $("say").textContent = now.enough ? "Enough" : now.over ? "The events have ended" : capital(now.advice[0] || "Move the board");
  $("why").textContent = now.enough ? "Every standard deviation is below what was wanted. You can stop."
    : now.over ? "It was not enough yet. Next time: " + now.advice[0]
    : now.problem || now.advice.slice(1).map(capital).join(" \\u00b7 ");
  const reasons = Object.entries(now.reasons).map(([why, count]) => `${count} \\u00d7 ${why}`).join(", ");
  $("sofar").textContent = `${now.views} views of the board` + (reasons ? `; windows without: ${reasons}` : "");
  draw();
}

const messages = new EventSource("/messages");
function show(now) {
  if (size[0] !== now.width || size[1] !== now.height) {
    size = [now.width, now.height];
    const zoom = Math.max(1, Math.round(960 / now.width));
    canvas.width = zoom * now.width;
    canvas.height = zoom * now.height;
  }
  $("clock").textContent = now.t_s.toFixed(1) + " s";
  if ($("say").textContent === "Waiting for events") $("say").textContent = "Looking for the board";
  const away = board => Math.abs(board.t_s - now.t_s);
  const nearest = boards.reduce((best, board) => away(board) < away(best) ? board : best, { t_s: -9, xy: [] });
  points = away(nearest) < SAME_S ? nearest.xy : [];
  image.onload = draw;
  image.src = "data:image/png;base64," + now.png;
}

function showUntil(t_s) {
  let due = null;
  while (pictures.length && pictures[0].t_s <= t_s) due = pictures.shift();
  if (due) show(due);
}

messages.addEventListener("picture", event => {
  pictures.push(JSON.parse(event.data));
  showUntil(pictures[pictures.length - 1].t_s - WAIT_S);
});
messages.addEventListener("board", event => {
  const now = JSON.parse(event.data);
  boards = [...boards, ...now.boards].slice(-200);
  const last = now.boards[now.boards.length - 1];
  $("board").textContent = now.reason || !last ? `no board: ${now.reason}` : `board: ${last.xy.length} points`;
});
messages.addEventListener("progress", event => {
  const now = JSON.parse(event.data);
  progress(now);
  if (now.over) {
    showUntil(Infinity);
    messages.close();
  }
});
</script>
</body>
</html>
"""

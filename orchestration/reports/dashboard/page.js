// Everything that the release says becomes text (textContent, or data of a chart), never markup.
"use strict";
async function dashboard() { // the grammar's script has names of its own
const find = (id) => document.getElementById(id);
const packed = Uint8Array.from(atob(find("data").textContent), (byte) => byte.charCodeAt(0));
const data = await new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"))).json();
const number = new Intl.NumberFormat("vi-VN");
const two = new Intl.NumberFormat("vi-VN", { maximumFractionDigits: 2 });
const MISSING = "–";
const DEFAULT = data.periods.findLastIndex((period) => period.type === "year");
const months = data.periods.flatMap((period, at) => (period.type === "month" ? [at] : []));

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "onclick") made.addEventListener("click", value);
    else if (value !== undefined && value !== null) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// ---- figures

// The value of a KPI as the release has it: null where it is missing, undefined where it is withheld.
function figure(scope, kpi, at) {
  const [tops, bases] = data.figures[scope]?.[kpi] ?? [[]];
  const top = tops[at] ?? null;
  if (data.kpis[kpi]?.of_persons && top === data.withheld) return undefined;
  if (top === null || !bases || bases[at] === null) return top;
  return bases[at] === 0 ? null : top / bases[at];
}

function said(kpi, value) {
  if (value === undefined) return "ẩn";
  if (value === null) return MISSING;
  const kind = data.kpis[kpi].kind;
  if (kind === "rate") return `${two.format(value * 100)} %`;
  if (kind === "change") return (value > 0 ? "+" : "") + number.format(value);
  return kind === "mean" ? two.format(value) : number.format(value);
}

function shown(scope, kpi, at, attributes = {}, name = "span") {
  const value = figure(scope, kpi, at), period = data.periods[at];
  return element(name, {
    ...attributes, "data-kpi": kpi, "data-scope": scope, "data-from": period.from, "data-to": period.to,
    ...(value === undefined ? { "data-withheld": "true" } : { "data-value": value ?? "" }),
  }, said(kpi, value));
}

// A number of rows behind a KPI in the period, split by more than a scope: `agency=H33.15;field=G12`; withheld without one.
function counted(kpi, scope, value) {
  const { from, to } = data.periods[view.at], told = value === undefined ? { "data-withheld": "true" } : { "data-value": value };
  return element("td", { class: "n", "data-behind": kpi, "data-kpi": kpi, "data-scope": scope, "data-from": from, "data-to": to, ...told },
    value === undefined ? "ẩn" : number.format(value));
}

// ---- periods

const day = (iso) => iso.split("-").reverse().join("/");
function isRunning({ type, from, to }) {
  const next = new Date(`${to}T00:00:00Z`);
  next.setUTCDate(next.getUTCDate() + 1);
  const first = next.getUTCDate() === 1, month = next.getUTCMonth();
  return !(first && (type === "month" || (type === "quarter" ? month % 3 === 0 : month === 0)));
}
function called(at) {
  const { type, from, to } = data.periods[at], [year, month] = from.split("-").map(Number);
  const name = { month: `Tháng ${month}/${year}`, quarter: `Quý ${Math.ceil(month / 3)}/${year}`, year: `Năm ${year}` }[type];
  return isRunning(data.periods[at]) ? `${name} (đến ${day(to)})` : name;
}
const monthOf = (at) => data.periods[at].from.slice(0, 7).split("-").reverse().join("/");
function before(at, monthsBack) {
  const { type, from } = data.periods[at], start = new Date(`${from}T00:00:00Z`);
  start.setUTCMonth(start.getUTCMonth() - monthsBack);
  const iso = start.toISOString().slice(0, 10);
  return data.periods.findIndex((period) => period.type === type && period.from === iso);
}
const during = () => `từ ${day(data.periods[view.at].from)} đến ${day(data.periods[view.at].to)}`;
const LENGTH = { month: 1, quarter: 3, year: 12 };

// ---- the view that the address names

function read() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const at = data.periods.findIndex((period, place) => period.type !== "stretch" && `${period.type}.${period.from}` === asked.get("period"));
  const one = (name, known) => (Object.hasOwn(known, asked.get(name)) ? asked.get(name) : "");
  const field = one("field", data.fields);
  const agency = field ? "" : one("agency", data.agencies);
  const level = field ? "" : one("level", data.levels);
  return {
    at: at < 0 ? DEFAULT : at, level, agency, field,
    sort: LEAGUE.includes(asked.get("sort")) ? asked.get("sort") : "on_time_rate", up: asked.get("up") === "1",
  };
}
function go(changes) {
  const next = { ...view, ...changes }, words = new URLSearchParams(), period = data.periods[next.at];
  if (next.at !== DEFAULT) words.set("period", `${period.type}.${period.from}`);
  for (const name of ["level", "agency", "field"]) if (next[name]) words.set(name, next[name]);
  if (next.sort !== "on_time_rate") words.set("sort", next.sort);
  if (next.up) words.set("up", "1");
  location.hash = words;
}
let view;
const scopeOf = ({ field, agency, level }) =>
  field ? `field=${field}` : agency ? `agency=${agency}` : level ? `level=${level}` : "province=all";
function calledScope({ field, agency, level }) {
  if (field) return `Lĩnh vực ${data.fields[field]}`;
  if (agency) return data.agencies[agency].name;
  return level ? data.levels[level] : "Toàn tỉnh";
}
const agenciesShown = () =>
  Object.keys(data.agencies).filter((code) => !view.level || data.agencies[code].level === view.level);

// ---- parts of the page

// A running period stands against the same days of a former one, where those are counted; others are not compared with it.
function change(kpi, scope, at, former, compared) {
  const { type } = data.periods[at], running = isRunning(data.periods[at]), same = data.compared[type]?.[compared];
  const isAlike = running && same !== undefined && typeof figure(scope, kpi, same) === "number";
  let words = compared === "period_before" ? "kỳ trước" : type === "year" && !isAlike ? "năm trước" : "cùng kỳ năm trước";
  if (isAlike) {
    former = same;
    words = compared === "year_before" ? words : "cùng số ngày kỳ trước";
    words += ` (đến ${day(data.periods[same].to)})`;
  } else if (running && former >= 0) words += type === "year" ? " (cả năm)" : " (cả kỳ)";
  if (former < 0) return null;
  const line = element("dd", { class: "change" }), then = figure(scope, kpi, former), now = figure(scope, kpi, at);
  const { kind, direction } = data.kpis[kpi];
  if (typeof then !== "number" || typeof now !== "number") return null;
  if (!running || isAlike) {
    const difference = now - then, rate = kind === "rate";
    const better = direction === "neutral" || !difference ? "" : (difference > 0) === (direction === "higher") ? "better" : "worse";
    const amount = rate ? `${two.format(Math.abs(difference * 100))} điểm %` : two.format(Math.abs(difference));
    const word = { better: " (tốt hơn)", worse: " (kém hơn)" }[better] ?? "";
    line.append(element("span", { class: better }, difference ? `${difference > 0 ? "▲" : "▼"} ${amount}` : "không đổi",
      element("span", { class: "word" }, word)), " so với ");
  }
  line.append(`${words}: `, shown(scope, kpi, former));
  return line;
}

function cards() {
  const scope = scopeOf(view), length = LENGTH[data.periods[view.at].type];
  find("cards").replaceChildren(...data.cards.flatMap(({ title, kpis }) => {
    const known = kpis.filter((kpi) => data.figures[scope]?.[kpi]);
    if (!known.length) return [];
    return [element("h3", {}, title), element("dl", { class: "cards" }, ...known.map((kpi) => {
      const { name, kind, unit, formula, target } = data.kpis[kpi];
      const value = shown(scope, kpi, view.at);
      return element("div", { class: "card", title: formula },
        element("dt", {}, name),
        element("dd", { class: "value" }, value, kind === "rate" ? "" : element("small", {}, ` ${unit}`)),
        length < 12 ? change(kpi, scope, view.at, before(view.at, length), "period_before") : null,
        change(kpi, scope, view.at, before(view.at, 12), "year_before"),
        target === null || target === undefined ? null
          : element("dd", { class: "change" }, `Ngưỡng điểm tối đa (QĐ 766): ${two.format(target * 100)} %`));
    }))];
  }));
}

function table(caption, headers, rows, attributes = {}) {
  return element("div", { class: "wide", tabindex: "0", role: "region", "aria-label": caption },
    element("table", attributes, element("caption", {}, caption),
      element("thead", {}, element("tr", {}, ...headers.map((header) =>
        header instanceof Node ? header : element("th", { scope: "col" }, header)))),
      element("tbody", {}, ...rows)));
}
const wide = (text) => element("th", { scope: "col", class: "n" }, text);

// A chart with its figures as a table, which is built when it is opened, or at once where it is all that there is.
function charted(key, title, name, values, rows, headers, after = {}) {
  if (!values.some(({ value }) => typeof value === "number"))
    return element("figure", {}, element("figcaption", {}, title), element("p", { class: "note" }, "Chưa có số liệu."));
  const drawn = element("div", { class: "chart", id: `chart-${key}`, role: "img", tabindex: name === "heat" ? "0" : null, "aria-label": `${title}. Số liệu trong bảng bên dưới.` });
  const more = element("details", {}, element("summary", {}, "Xem bảng số liệu"));
  more.addEventListener("toggle", () => { if (more.open && more.children.length === 1) more.append(table(title, headers, rows())); });
  waiting.push({ drawn, name, values, after });
  return element("figure", {}, element("figcaption", {}, title), drawn, more);
}

function daysTaken() {
  const { most, of } = data.days, days = new Map(of[scopeOf(view)]?.[view.at] ?? []);
  const values = [...Array(most + 2).keys()].map((day) => ({
    day, label: day > most ? `> ${most}` : String(day), value: days.get(day) ?? 0, shown: number.format(days.get(day) ?? 0),
  }));
  const rows = () => values.map(({ day, label, value }) => element("tr", {}, element("th", { scope: "row" }, label),
    counted("dossiers_resolved", `${scopeOf(view)};processing_working_days=${day}${day > most ? "+" : ""}`, value)));
  find("days-taken").replaceChildren(charted("days", `Hồ sơ đã giải quyết theo số ngày làm việc, ${during()}`, "days",
    days.size ? values : [], rows, ["Ngày làm việc", wide("Hồ sơ")]));
}

function providers() {
  const { names, used } = data.providers, paid = used[view.at] ?? [];
  const values = paid.map(([code, times]) => ({ label: names[code], value: times, shown: number.format(times) }));
  const rows = () => paid.map(([code, times, amount]) => element("tr", {}, element("th", { scope: "row" }, names[code]),
    counted("payments_paid", `provider=${code}`, times), counted("payments_paid_amount", `provider=${code}`, amount)));
  find("paid-through").replaceChildren(charted("providers", `Giao dịch thanh toán thành công theo đơn vị, ${during()}`, "providers",
    values, rows, ["Đơn vị", wide("Giao dịch"), wide("Số tiền (VND)")], { rows: values.length }));
}

function facilities() {
  const { listed, untold, partly } = data.facilities.used[view.at] ?? { listed: [], untold: 0, partly: [] };
  const told = listed.map(([facility, times]) => [...data.facilities.names[facility], times]);
  const values = told.slice(0, data.facilities.drawn).map(([, name, , times], place) =>
    ({ label: `${place + 1}. ${name}`, value: times, shown: number.format(times) }));
  const rows = () => told.map(([code, name, , times]) => element("tr", {}, element("th", { scope: "row" }, name),
    counted("health_lookups", `facility=${code}`, times)));
  find("looked-up").replaceChildren(...communes(told, new Set(partly)),
    charted("facilities", `Lượt tra cứu theo cơ sở, ${during()}`, "providers", values, rows, ["Cơ sở", wide("Lượt tra cứu")], { rows: values.length }),
    element("p", { class: "note" }, untold
      ? `Còn ${number.format(untold)} cơ sở không liệt kê: có kỳ dưới ${data.smallest} lượt, hoặc để số đó không suy ra được từ kỳ khác, từ số toàn tỉnh.` : ""));
}

// A tile for each commune, a row for each district. A commune's figure is the sum of its facilities, each of which is
// listed; where one is not, the figure is withheld.
function communes(told, partly) {
  const sums = new Map(), placed = new Map();
  for (const [, , commune, times] of told) sums.set(commune, (sums.get(commune) ?? 0) + times);
  const values = Object.entries(data.communes).map(([code, { name, district }]) => {
    const place = placed.get(district) ?? 0, isHidden = partly.has(code), value = isHidden ? null : sums.get(code) ?? null;
    placed.set(district, place + 1);
    return { code, commune: name, district, place, value, isHidden, shown: isHidden ? "ẩn" : number.format(value ?? 0) };
  });
  if (!values.some(({ value, isHidden }) => value !== null || isHidden)) return [];
  const rows = () => values.filter(({ value, isHidden }) => value !== null || isHidden).map(({ code, commune, district, value }) =>
    element("tr", {}, element("th", { scope: "row" }, commune), element("td", {}, district),
      counted("health_lookups", `commune=${code}`, value ?? undefined)));
  return [charted("communes", `Lượt tra cứu theo xã, phường nơi có cơ sở, ${during()}. Mỗi ô một xã, mỗi hàng một huyện; chấm: số được ẩn`, "tiles",
    values, rows, ["Xã, phường", "Huyện", wide("Lượt tra cứu")], { rows: placed.size })];
}

function ranks() {
  const names = new Map(Object.entries(data.indexes).map(([index, kpi]) => [kpi, index]));
  const points = Object.entries(data.ranks).flatMap(([kpi, years]) => years.map(([year, rank, units]) => ({ kpi, year, rank, units })));
  const values = points.map(({ kpi, year, rank }) => ({ label: String(year), series: names.get(kpi), value: rank, shown: number.format(rank) }));
  const rows = () => points.map(({ kpi, year, rank, units }) => element("tr", {}, element("th", { scope: "row" }, names.get(kpi)),
    element("td", {}, String(year)), element("td", { class: "n", "data-rank": kpi, "data-year": year, "data-kpi": kpi, "data-scope": "province=all",
      "data-from": `${year}-01-01`, "data-to": [`${year}-12-31`, data.as_of].sort()[0], "data-value": rank }, number.format(rank)),
    element("td", {}, units === null ? MISSING : number.format(units))));
  find("ranked").replaceChildren(charted("ranks", "Xếp hạng của tỉnh qua các năm (hạng 1 ở trên)", "ranks", values, rows,
    ["Chỉ số", "Năm", wide("Hạng"), "Số đơn vị xếp hạng"]));
}

const STATUS = { computed: "đã tính", declared: "tự khai", missing: "chưa đủ số liệu" };
function scorecards() {
  const { type, from, to } = data.periods[view.at];
  const scored = (data.scores.points[view.at] ?? []).map(([criterion, max_points, points, points_lost, status]) => {
    const [index, version, code, name, depth] = data.scores.criteria[criterion];
    return { index: `${index} · ${version}`, criterion: `${index} ${version} ${code}`, name: `${code} ${name}`, depth, status, max_points, points, points_lost };
  });
  const points = (one, which) => element("td", {
    class: "n", "data-criterion": one.criterion, "data-points": which, "data-scope": "province=all",
    "data-from": from, "data-to": to, "data-value": one[which] ?? "",
  }, one[which] === null ? MISSING : two.format(one[which]));
  const byIndex = Map.groupBy(scored, ({ index }) => index);
  find("scored").replaceChildren(
    element("p", { class: "note" }, type === "year" ? "" : "Điểm của tháng, quý tính trên số liệu của kỳ đó; điểm cả năm xem ở kỳ là năm."),
    ...[...byIndex].map(([index, criteria]) =>
      table(`${index}, ${during()}`, ["Tiêu chí", wide("Điểm tối đa"), wide("Điểm đạt"), wide("Điểm mất"), "Tình trạng"],
        criteria.map((one) => element("tr", {},
          element("th", { scope: "row", style: `padding-left: ${0.6 + one.depth}rem` }, one.name),
          ...["max_points", "points", "points_lost"].map((which) => points(one, which)),
          element("td", {}, STATUS[one.status]))))));
  if (!byIndex.size) find("scored").append(element("p", { class: "note" }, "Chưa có bảng điểm cho kỳ này."));
}

function quality() {
  const { checks, passed, blocking, rejected_files, rejected_rows, flags, late } = data.quality;
  const facts = Object.entries({ checks, passed, blocking, rejected_files, rejected_rows, flags, late });
  const names = { checks: "Phép kiểm tra", passed: "Phép kiểm tra đạt", blocking: "Lỗi chặn công bố", rejected_files: "Tệp bị từ chối",
    rejected_rows: "Dòng bị từ chối", flags: "Cảnh báo số liệu", late: "Nguồn nộp trễ" };
  find("found").replaceChildren(element("dl", { class: "cards" }, ...facts.map(([fact, value]) =>
    element("div", { class: "card" }, element("dt", {}, names[fact]),
      element("dd", { class: "value" }, element("span", { "data-quality": fact, "data-value": value }, number.format(value)))))),
    element("p", {}, element("a", { href: "../review/index.html" }, "Xem trang rà soát: từng lỗi, từng đơn vị, sổ gửi lại")));
}

function overTime() {
  const scope = scopeOf(view);
  find("charts").replaceChildren(...data.over_time.filter(({ kpis }) => Object.keys(kpis).some((kpi) => data.figures[scope]?.[kpi]))
    .map(({ key, title, chart, kpis, colors }) => {
      const series = Object.entries(kpis);
      const values = months.flatMap((at) => series.map(([kpi, name], order) => {
        const value = figure(scope, kpi, at);
        return { label: monthOf(at), series: name, order, value: value ?? null, shown: said(kpi, value) };
      }));
      const rows = () => months.map((at) => element("tr", {}, element("th", { scope: "row" }, called(at)),
        ...series.map(([kpi]) => shown(scope, kpi, at, { class: "n" }, "td"))));
      return charted(key, title, chart, values, rows, ["Tháng", ...series.map(([, name]) => wide(name))], { colors });
    }));
}

function heat() {
  const codes = agenciesShown(), kpi = "on_time_rate";
  const active = codes.filter((code) => months.some((at) => typeof figure(`agency=${code}`, kpi, at) === "number"));
  const values = active.flatMap((code) => months.map((at) => ({
    code, agency: `${data.agencies[code].name} (${code})`, label: monthOf(at),
    value: figure(`agency=${code}`, kpi, at), shown: said(kpi, figure(`agency=${code}`, kpi, at)),
  })));
  const rows = () => active.map((code) => element("tr", {}, element("th", { scope: "row" }, data.agencies[code].name),
    ...months.map((at) => shown(`agency=${code}`, kpi, at, { class: "n" }, "td"))));
  const headers = ["Đơn vị", ...months.map((at) => wide(monthOf(at)))];
  find("heat-map").replaceChildren(active.length
    ? charted("heat", `${active.length} đơn vị có hồ sơ đã giải quyết (bấm một ô để mở đơn vị)`, "heat", values, rows, headers,
      { rows: active.length, labels: months.map(monthOf), click: (item) => item?.datum?.code && go({ agency: item.datum.code, field: "" }) })
    : element("p", { class: "note" }, "Không có hồ sơ đã giải quyết trong các tháng này."));
}

const LEAGUE = ["dossiers_received", "dossiers_resolved", "on_time_rate", "dossiers_resolved_late", "dossiers_in_process",
  "dossiers_in_process_overdue", "online_rate", "average_processing_working_days"];
function league() {
  const { sort, up, at } = view, of = (code) => figure(`agency=${code}`, sort, at);
  const codes = agenciesShown().filter((code) => (figure(`agency=${code}`, "dossiers_received", at) ?? 0) > 0
    || (figure(`agency=${code}`, "dossiers_in_process", at) ?? 0) > 0 || (figure(`agency=${code}`, "dossiers_resolved", at) ?? 0) > 0);
  codes.sort((a, b) => {
    const [left, right] = [of(a), of(b)];
    if (left === right) return a < b ? -1 : 1;
    if (left === null) return 1;
    return right === null ? -1 : up ? left - right : right - left;
  });
  const headers = ["#", "Đơn vị", ...LEAGUE.map((kpi) => element("th",
    { scope: "col", class: "n", "aria-sort": kpi === sort ? (up ? "ascending" : "descending") : "none" },
    element("button", { type: "button", "data-sort": kpi, onclick: () => go({ sort: kpi, up: kpi === sort && !up }) },
      data.kpis[kpi].name + (kpi === sort ? (up ? " ▲" : " ▼") : ""))))];
  const rows = codes.map((code, place) => element("tr", {}, element("td", {}, number.format(place + 1)),
    element("th", { scope: "row" }, element("button", { type: "button", onclick: () => open(code) }, data.agencies[code].name)),
    ...LEAGUE.map((kpi) => shown(`agency=${code}`, kpi, at, { class: "n" }, "td"))));
  find("league-table").replaceChildren(table(`${called(at)}: ${codes.length} đơn vị có hồ sơ`, headers, rows));
}
function open(code) {
  go({ agency: code, field: "" });
  opening = true;
}
let opening = false;

// Of one agency: dossiers to look after, as of the release's day; its fields and procedures in the period.
function agency() {
  const code = view.agency, section = find("agency-opened");
  section.hidden = !code;
  if (!code) return find("opened").replaceChildren();
  find("agency-title").textContent = `${data.agencies[code].name} (${code})`;
  const { rows: known, counts: numbers } = data.opened.by[code] ?? { rows: [], counts: {} }, { kpis } = data.opened;
  const rows = (numbers[view.at] ?? []).map(([row, ...values]) => [...known[row], ...values]);
  const byField = new Map();
  for (const [field, , ...counts] of rows) {
    const sums = byField.get(field) ?? kpis.map(() => 0);
    byField.set(field, sums.map((sum, i) => sum + counts[i]));
  }
  const counts = (split, values) => values.map((value, i) => counted(kpis[i], `agency=${code};${split}`, value));
  const since = during(), headers = () => kpis.map((kpi) => wide(data.kpis[kpi].name));
  const lists = data.dossiers.of[code] ?? {};
  const listed = (key, title) => lists[key]
    ? table(`${title}: ${number.format(lists[key].known)}${lists[key].known > lists[key].first.length ? `, ${lists[key].first.length} hồ sơ hạn sớm nhất` : ""}`,
      ["Mã hồ sơ", "Thủ tục", "Hạn trả"], lists[key].first.map(([dossier, procedure, due]) => element("tr", {},
        element("th", { scope: "row" }, dossier), element("td", {}, data.procedures[procedure] ?? procedure ?? MISSING),
        element("td", {}, due ? day(due) : MISSING))), { "data-list": key, "data-all": lists[key].known })
    : element("p", { class: "note" }, `${title}: không có.`);
  find("opened").replaceChildren(
    element("p", { class: "note" }, `Danh sách hồ sơ là tại ngày ${day(data.as_of)}, không theo kỳ đã chọn; số theo lĩnh vực, thủ tục là của kỳ.`),
    listed("overdue", "Hồ sơ đang giải quyết quá hạn"),
    listed("soon", `Hồ sơ sắp đến hạn (trong ${data.dossiers.soon} ngày làm việc tới)`),
    table(`Theo lĩnh vực, ${since}`, ["Lĩnh vực", ...headers()], [...byField].map(([field, values]) =>
      element("tr", {}, element("th", { scope: "row" }, data.fields[field] ?? field ?? MISSING), ...counts(`field=${field ?? ""}`, values)))),
    element("details", {}, element("summary", {}, `Theo thủ tục, ${since} (${rows.length})`),
      table(`Theo thủ tục, ${since}`, ["Thủ tục", ...headers()], rows.map(([field, procedure, ...values]) =>
        element("tr", {}, element("th", { scope: "row" }, `${data.procedures[procedure] ?? MISSING} · ${procedure ?? MISSING}`),
          ...counts(`field=${field ?? ""};procedure=${procedure ?? ""}`, values))))));
}

// ---- charts

let waiting = [];
function config() {
  const style = getComputedStyle(document.documentElement), [ink, soft, line] = ["--ink", "--soft", "--line"].map((name) => style.getPropertyValue(name).trim());
  return {
    background: "transparent", font: "system-ui, sans-serif",
    view: { stroke: null }, mark: { color: "#3b82c4" },
    axis: { labelColor: soft, titleColor: soft, gridColor: line, domainColor: line, tickColor: line, labelFontSize: 11 },
    legend: { labelColor: ink, titleColor: soft, labelFontSize: 12, symbolType: "square" },
    range: { category: ["#3b82c4", "#e69f00", "#7a8794", "#009e73", "#cc79a7"] },
  };
}
const LOCALE = { decimal: ",", thousands: ".", grouping: [3], currency: ["", " ₫"] };
async function drawAll() {
  if (!window.vegaEmbed) return;
  const charts = waiting;
  waiting = [];
  for (const { drawn, name, values, after } of charts) {
    if (!drawn.isConnected) continue;
    const spec = { ...structuredClone(data.charts[name]), data: { values }, description: drawn.getAttribute("aria-label") };
    if (after.colors) spec.encoding.color.scale = { range: after.colors };
    if (after.rows) {
      spec.height = spec.height.step * after.rows;
      if (after.labels) spec.encoding.x.scale = { domain: after.labels };
      spec.encoding.y.axis.labelLimit = Math.min(230, drawn.clientWidth * 0.32);
    }
    try {
      const { view: made } = await vegaEmbed(drawn, spec, { actions: false, renderer: "svg", config: config(), formatLocale: LOCALE });
      if (after.click) made.addEventListener("click", (_, item) => after.click(item));
      drawn.dataset.drawn = "true";
    } catch (error) {
      console.error(`chart ${drawn.id}: ${error.message}`);
      drawn.textContent = "Không vẽ được biểu đồ; xem bảng số liệu bên dưới.";
    }
  }
  document.documentElement.dataset.ready = "true";
}

// ---- together

function options(select, entries, chosen) {
  select.replaceChildren(...entries.map(([value, text]) => element("option", { value, selected: value === chosen ? "" : null }, text)));
}
function filters() {
  const named = { year: "Năm", quarter: "Quý", month: "Tháng" };
  find("period").replaceChildren(...Object.entries(named).map(([type, label]) => element("optgroup", { label },
    ...data.periods.flatMap((period, at) => (period.type === type ? [at] : [])).reverse()
      .map((at) => element("option", { value: at, selected: at === view.at ? "" : null }, called(at))))));
  const levels = new Set(Object.values(data.agencies).map(({ level }) => level));
  options(find("level"), [["", "Toàn tỉnh"], ...Object.entries(data.levels).filter(([level]) => levels.has(level))], view.level);
  options(find("agency"), [["", "Tất cả đơn vị"], ...agenciesShown().map((code) => [code, `${data.agencies[code].name} · ${code}`])], view.agency);
  options(find("field"), [["", "Tất cả lĩnh vực"], ...Object.entries(data.fields)], view.field);
}
function show() {
  view = read();
  waiting = [];
  delete document.documentElement.dataset.ready;
  find("view").textContent = `${calledScope(view)} · ${called(view.at)}`;
  filters();
  cards();
  agency();
  overTime();
  daysTaken();
  heat();
  league();
  providers();
  facilities();
  ranks();
  scorecards();
  quality();
  if (opening) {
    opening = false;
    find("agency-title").setAttribute("tabindex", "-1");
    find("agency-title").focus();
  }
  drawAll();
}
find("as-of").textContent = day(data.as_of);
find("period").addEventListener("change", (event) => go({ at: Number(event.target.value) }));
find("level").addEventListener("change", (event) => go({ level: event.target.value, agency: "", field: "" }));
find("agency").addEventListener("change", (event) => go({ agency: event.target.value, field: "" }));
find("field").addEventListener("change", (event) => go({ field: event.target.value, agency: "", level: "" }));
find("filters").addEventListener("reset", (event) => {
  event.preventDefault();
  go({ at: DEFAULT, level: "", agency: "", field: "" });
});
find("filters").addEventListener("submit", (event) => event.preventDefault());
// Links within the page move there; the address keeps the view.
const jump = (target) => (event) => {
  event.preventDefault();
  find(target).scrollIntoView();
  find(target).setAttribute("tabindex", "-1");
  find(target).focus({ preventScroll: true });
};
find("skip").addEventListener("click", jump("main"));
find("contents").append(...[...document.querySelectorAll("main > section:not([hidden]) > h2")].map((title) =>
  element("li", {}, element("a", { href: "#", onclick: jump(title.id) }, title.textContent))));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
addEventListener("hashchange", show);
show();
addEventListener("grammar", drawAll);
}
dashboard().catch((error) => {
  document.getElementById("view").textContent = "Trình duyệt này không mở được bảng điều hành; hãy dùng Chrome, Edge, Firefox hoặc Safari bản từ năm 2024.";
  throw error;
});

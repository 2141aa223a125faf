// The style of the page. Contrast of text is at least 4.5 : 1 in both schemes.
// Percent signs, quotes and braces are CSS; nothing is filled in.

export const style = `
:root{color-scheme:light dark;--paper:#fff;--card:#f6f7f9;--ink:#17202b;--ink-soft:#55606e;--line:#e3e7ec;--line-strong:#aab3be;--accent:#1d5fa8;--good:#1c7a45;--bad:#b3261e;--shade:29,95,168;
--series-0:#1d5fa8;--series-1:#d9730d;--series-2:#1c7a45;--series-3:#8a3ea8;--series-4:#b3261e;--series-5:#00838f;--series-6:#8d6e00;--series-7:#5d6b7a}
@media (prefers-color-scheme:dark){:root{--paper:#12161c;--card:#1b2129;--ink:#e8ecf1;--ink-soft:#a3afbd;--line:#2b333d;--line-strong:#5b6774;--accent:#7cb7f5;--good:#6fcf97;--bad:#ff8a80;--shade:124,183,245;
--series-0:#6cb0f5;--series-1:#f5a04a;--series-2:#6fcf97;--series-3:#c58be0;--series-4:#ff8a80;--series-5:#4dd0e1;--series-6:#e0c14a;--series-7:#a3afbd}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;-webkit-text-size-adjust:100%}
main,header,footer{max-width:1080px;margin:0 auto;padding:0 24px}
header{padding-top:40px}
.eyebrow{margin:0;color:var(--ink-soft);font-size:14px}
h1{margin:4px 0 12px;font-size:36px;line-height:1.15;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{margin:56px 0 12px;font-size:24px;line-height:1.25;overflow-wrap:anywhere}
h3{margin:28px 0 8px;font-size:16px}
p{margin:0 0 12px;max-width:76ch;overflow-wrap:anywhere}
.summary{font-size:18px}
.verdict{border-left:4px solid var(--accent);padding:2px 0 2px 14px;font-size:17px}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:20px 0;padding:0}
.figures div{background:var(--card);border-radius:10px;padding:12px 14px}
.figures dt{color:var(--ink-soft);font-size:14px}
.figures dd{margin:0;font-size:28px;line-height:1.25;font-weight:650;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.figures dd.long{font-size:21px;line-height:1.66}
.figures dd.words{font-size:17px}
.figures small{display:block;color:var(--ink-soft);font-size:13px;font-weight:400;line-height:1.35}
.path{display:flex;flex-wrap:wrap;gap:6px;margin:0 0 8px;padding:0;list-style:none;font-size:14px}
.path li{background:var(--card);border-radius:6px;padding:4px 10px}
.path b{font-weight:600}
.path span{color:var(--ink-soft)}
.scroll{overflow-x:auto;margin:8px 0 16px}
table{border-collapse:collapse;font-size:15px;min-width:50%}
caption{text-align:left;color:var(--ink-soft);font-size:14px;padding:0 0 6px}
th,td{padding:6px 14px 6px 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line);overflow-wrap:break-word;max-width:30em}
thead th{color:var(--ink-soft);font-weight:600;font-size:14px;border-bottom:1px solid var(--line-strong);vertical-align:bottom}
th[scope=row]{font-weight:600;white-space:nowrap}
th.wide{white-space:normal}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap;padding-left:14px;padding-right:14px}
.null{color:var(--ink-soft);font-style:italic}
.hash{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:13px;white-space:nowrap}
.meaning{color:var(--ink-soft);font-size:14px}
.gates td{white-space:nowrap}.gates{font-size:14px}.gates th,.gates td{padding-right:10px}
.good{color:var(--good);font-weight:600}.bad{color:var(--bad);font-weight:600}
.then{fill:var(--line-strong)}.now{fill:var(--accent)}
.confusion td{text-align:right;padding:12px 18px;min-width:8em;border:2px solid var(--paper);border-radius:8px}
.confusion td b{display:block;font-size:18px;font-variant-numeric:tabular-nums}
.confusion td span{font-size:13px;color:var(--ink-soft)}
.pair{display:grid;grid-template-columns:minmax(0,3fr) minmax(0,2fr);gap:32px;align-items:start}
.curves{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:24px}
figure{margin:16px 0;break-inside:avoid}
figure svg{display:block;width:100%;height:auto;font-family:inherit}
figcaption{font-weight:600;margin-bottom:4px}
figcaption small{display:block;font-weight:400;color:var(--ink-soft);font-size:13px}
footer{color:var(--ink-soft);font-size:13px;padding-top:40px;padding-bottom:48px}
@media (max-width:760px){.pair,.curves{grid-template-columns:1fr}h1{font-size:28px}.figures dd{font-size:24px}}
@media print{:root{--paper:#fff;--card:#f3f4f6;--ink:#000;--ink-soft:#444;--line:#ddd;--line-strong:#888;--accent:#1d5fa8;--good:#1c7a45;--bad:#b3261e;--shade:29,95,168;
--series-0:#1d5fa8;--series-1:#d9730d;--series-2:#1c7a45;--series-3:#8a3ea8;--series-4:#b3261e;--series-5:#00838f;--series-6:#8d6e00;--series-7:#5d6b7a}
body{font-size:11pt;-webkit-print-color-adjust:exact;print-color-adjust:exact}h2{break-after:avoid}tr,.figures div{break-inside:avoid}.scroll{overflow:visible}thead{display:table-header-group}main,header,footer{max-width:none;padding:0}header{padding-top:0}}
`

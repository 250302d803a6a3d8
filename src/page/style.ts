import { constant } from './html.ts';

/** The stylesheet of every page here. No selector needs a style attribute, which the content security policy forbids. */
export const style = constant(`
:root{color-scheme:light dark;--text:#171b21;--muted:#545d69;--page:#f5f6f8;--card:#fff;--line:#d8dde4;--accent:#1557b8;
--good:#17683a;--warn:#8a5200;--bad:#b3211b;--warn-bg:#fff5dc;--bad-bg:#fdecea;--good-bg:#e8f5ed;--area:#1557b81f;
--mono:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
@media(prefers-color-scheme:dark){:root{--text:#e7eaef;--muted:#a3adba;--page:#0f1216;--card:#171b21;--line:#333b46;
--accent:#82b4ff;--good:#6fd398;--warn:#f3c04f;--bad:#ff938a;--warn-bg:#2c2310;--bad-bg:#331a18;--good-bg:#13281b;--area:#82b4ff29}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--text);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;
font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
h1,h2,h3,p,ul,ol,dl,dd,figure{margin:0}
a{color:var(--accent)}
code{font:.9em var(--mono)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:3px}
main:focus,.result:focus{outline:0}
.skip{position:absolute;left:1rem;top:-5rem;background:var(--card);padding:.5rem 1rem;z-index:1}
.skip:focus{top:.5rem}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.width,header,main,footer{max-width:76rem;margin:0 auto;padding:0 1.5rem}
header{display:flex;flex-wrap:wrap;gap:.5rem 1.5rem;align-items:center;padding-top:1.25rem;padding-bottom:1.25rem}
h1{font-size:1rem;font-weight:600}
nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1.1rem;list-style:none;padding:0}
nav a{text-decoration:none;font-size:.9375rem}nav a:hover{text-decoration:underline}
.refresh{display:flex;flex-wrap:wrap;gap:.25rem 1rem;align-items:center;margin-left:auto;color:var(--muted);font-size:.875rem}
.refresh .late{color:var(--bad);font-weight:600}
main>*{margin:0 0 1.5rem}
main>section,.card,.chart{background:var(--card);border:1px solid var(--line);border-radius:10px}
main>section,main>div>.card{padding:1.5rem}main>div:empty{display:none}
.state{display:flex;gap:1rem;align-items:flex-start}
.state p{text-wrap:pretty;font-size:clamp(1.375rem,1.1rem + 1.4vw,2rem);line-height:1.25;letter-spacing:-.01em}
.mark{flex:none;width:1.25rem;height:1.25rem;fill:currentColor}.mark .cut{fill:none;stroke:var(--card);stroke-width:2.6;stroke-linecap:round;stroke-linejoin:round}
.state .mark{width:2rem;height:2rem;margin-top:.2rem}
.mark.good,.state.good b,.verdict.good b{color:var(--good)}.mark.warn,.state.warn b,.verdict.warn b{color:var(--warn)}.mark.bad,.state.bad b,.verdict.bad b{color:var(--bad)}
dt{color:var(--muted);font-size:.875rem}
.facts{display:flex;flex-wrap:wrap;gap:.75rem 2.5rem;margin-top:1.25rem}
main>div>.notice{padding:1.5rem;border-radius:10px;display:flex;gap:1rem;background:var(--warn-bg);border:2px solid var(--warn);--card:var(--warn-bg)}.notice.bad{--card:var(--bad-bg)}
.notice .mark{width:1.75rem;height:1.75rem}.notice p{max-width:65ch;margin-top:.35rem}
h2{font-size:1.25rem;line-height:1.3;margin-bottom:.75rem}.notice h2{margin:0}
h3{font-size:.9375rem;line-height:1.4;font-weight:600}
.lead{max-width:65ch;margin-bottom:1rem}
.note,.empty,figcaption{color:var(--muted);font-size:.875rem}.note{margin-top:.75rem;max-width:70ch}h2+.note{margin:-.5rem 0 1rem}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,19rem),1fr));gap:1rem;margin-bottom:1rem}
.chart{padding:1rem;display:flex;flex-direction:column}
.chart .empty{margin-top:.5rem}.chart h3{color:var(--muted);font-weight:500}
.value{color:var(--muted);font-size:.875rem}.value b{font-size:1.5rem;font-weight:600;color:var(--text)}
.plot{position:relative;padding:1.1rem 0;margin:.25rem 0;color:var(--muted);font-size:.75rem;line-height:1.1rem}
.plot svg{display:block;width:100%;height:72px;overflow:visible}.plot .top{position:absolute;top:0;left:0}
.plot .from{position:absolute;bottom:0;left:0}.plot .to{position:absolute;bottom:0;right:0}
.grid,.axis{fill:none;stroke:var(--line);stroke-width:1;vector-effect:non-scaling-stroke}.grid{stroke-dasharray:2 4}
.area{fill:var(--area)}
.line{fill:none;stroke:var(--accent);stroke-width:2;vector-effect:non-scaling-stroke;stroke-linejoin:round;stroke-linecap:round}
.line-2{stroke:var(--warn);stroke-width:1.5;stroke-dasharray:6 4}.line-3{stroke:var(--muted);stroke-width:1.5;stroke-dasharray:1 4}
.legend{display:flex;flex-wrap:wrap;gap:.1rem .75rem;list-style:none;padding:0;font-size:.8125rem}
.legend li{white-space:nowrap}.legend svg{width:18px;height:8px;vertical-align:middle}
table{border-collapse:collapse;width:100%;font-size:.9375rem}
caption{text-align:left;color:var(--muted);font-size:.875rem;padding:0 0 .5rem}
th,td{text-align:left;vertical-align:top;padding:.45rem 1rem .45rem 0;border-top:1px solid var(--line);font-weight:400}
thead th{color:var(--muted);font-size:.8125rem;border-top:0;white-space:nowrap}
th:last-child,td:last-child{padding-right:0}.number{text-align:right;white-space:nowrap}
.scroll{overflow:auto;max-height:40rem;overflow-wrap:normal}.scroll thead th{position:sticky;top:0;background:var(--card)}.scroll table{min-width:max-content}.scroll td,.scroll th{max-width:26rem;overflow-wrap:anywhere}
.bars{margin-top:.5rem}.bars td{text-align:right;font-weight:600;vertical-align:top}.bars th,.bars td{border:0;padding-top:.3rem;padding-bottom:.3rem}
.bars th{font:.8125rem/1.4 var(--mono)}.bars svg{display:block;width:100%;height:4px;margin-top:.3rem;fill:var(--accent)}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,30rem),1fr));gap:1rem}
.card{padding:1.25rem}.issuer{font:600 .9375rem/1.4 var(--mono)}
.verdict{display:flex;gap:.6rem;align-items:flex-start;margin:.6rem 0 .9rem}.verdict .mark{margin-top:.12rem}
.issuer span{font-weight:400;color:var(--muted)}
time small{color:var(--muted);font-size:.8125rem;display:inline-block}.two{grid-column:span 2}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr));gap:1.25rem 2rem;margin-top:1.25rem}
.pair .scroll table{min-width:100%}
#notices:not(:empty){display:grid;gap:1.5rem}.notice.bad{background:var(--bad-bg);border-color:var(--bad)}.notice ul{padding-left:1.25rem;margin-top:.25rem}
.done{color:var(--good);font-weight:600;margin-bottom:.75rem}
#clients form{margin-top:1rem}#clients form .scroll{flex:1 0 100%}#clients form .note{margin:-.5rem 0 0}#clients td button{min-height:2rem;padding:.1rem .75rem;background:var(--card);color:var(--accent)}
.meanings{columns:26rem auto;column-gap:2rem;margin-top:1rem}.meanings>div{break-inside:avoid;padding:.4rem .5rem;border-left:3px solid transparent}
.meanings>div:target{border-left-color:var(--accent);background:var(--page)}.meanings dd{font-size:.875rem}
h3.verdict{font-size:1.25rem;margin:0 0 .4rem}
.card>dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(6.25rem,1fr));gap:.75rem 1.25rem}
.whole{grid-column:1/-1}
.fault{background:var(--bad-bg);border-left:4px solid var(--bad);padding:.75rem 1rem;margin-top:1rem;border-radius:0 6px 6px 0}
.fault ul{padding-left:1.25rem;margin-top:.25rem}
details{margin-top:1rem}summary{cursor:pointer;color:var(--accent);width:fit-content}details>.scroll{margin-top:.75rem}
.trio{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),1fr));gap:1.5rem}
main>.trio>section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:1.5rem}
.rows>div{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 1.5rem;padding:.4rem 0;border-top:1px solid var(--line)}
.rows>div:first-child{border-top:0}.rows dd{text-align:right}
form{display:flex;flex-wrap:wrap;gap:1rem;align-items:end}
.field{display:flex;flex-direction:column;gap:.3rem}.wide{flex:1 0 100%}.grow{flex:1 1 14rem}
label{font-weight:600;font-size:.9375rem}.field .note{margin:.1rem 0 0}
input,textarea,select,button{font:inherit;color:inherit;border-radius:6px;border:1px solid var(--muted);background:var(--page);padding:.5rem .75rem;min-height:2.75rem}
textarea{width:100%;font:.875rem/1.5 var(--mono);resize:vertical}input{width:100%;font-family:var(--mono);font-size:.9375rem}
button{background:var(--card);border-color:var(--accent);color:var(--accent);cursor:pointer;font-weight:600;padding:.5rem 1.25rem}
button[type=submit]{background:var(--accent);color:var(--card)}.refresh button{min-height:2rem;padding:.15rem .75rem;font-size:.875rem}
.result{margin-top:2rem;padding-top:1.5rem;border-top:1px solid var(--line);scroll-margin-top:1rem}
.steps{list-style:none;padding:0;margin-top:1.5rem}
.steps li{display:grid;grid-template-columns:8rem 1fr;gap:0 1rem;padding:.4rem .75rem;border-top:1px solid var(--line)}
.outcome{font-weight:600}.outcome::before{display:inline-block;width:1.4em}
.passed .outcome{color:var(--good)}.passed .outcome::before{content:"\\2713"/""}
.failed{background:var(--bad-bg)}.failed .outcome{color:var(--bad)}.failed .outcome::before{content:"\\2715"/""}.failed .check{font-weight:600}
.unreached{color:var(--muted)}.unreached .outcome{font-weight:400}.unreached .outcome::before{content:"\\2013"/""}
.steps dl{margin:.35rem 0 .25rem}.steps dl div{display:grid;grid-template-columns:5.5rem 1fr;gap:0 .75rem}.steps dd{font:.875rem/1.6 var(--mono)}.steps dt{line-height:1.6}
.failed dt{color:inherit}
footer{color:var(--muted);font-size:.875rem;padding-bottom:2.5rem}
.short{max-width:40rem;padding-top:12vh}.short h1{font-size:1.75rem;margin-bottom:.75rem}.short p{margin-bottom:1rem}
.short pre{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:1rem;overflow-x:auto;font:.875rem/1.5 var(--mono);margin:0 0 1rem}
@media(max-width:40rem){.width,header,main,footer{padding-left:1rem;padding-right:1rem}main>section,main>.trio>section{padding:1.1rem}
.state{gap:.75rem}.state .mark{width:1.6rem;height:1.6rem}.facts{gap:.75rem 1.75rem}.refresh{margin-left:0}
.steps li{grid-template-columns:7.25rem 1fr;gap:0 .5rem;padding:.5rem 0}.steps dl div{grid-template-columns:1fr}
.scroll table,.scroll tbody,.scroll caption{display:block;min-width:0}.scroll thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.scroll tr{display:block;border-top:1px solid var(--line);padding:.4rem 0}.scroll th,.scroll td{display:grid;grid-template-columns:7rem 1fr;gap:0 .75rem;border:0;padding:.1rem 0;max-width:none;text-align:left;white-space:normal}
.scroll [data-of]::before{content:attr(data-of);color:var(--muted);font-size:.8125rem;line-height:1.7}}
@media(prefers-reduced-motion:no-preference){html{scroll-behavior:smooth}}
@media print{.refresh,nav,.skip{display:none}}
`);

(function(){
"use strict";
var w=window,d=document,n=navigator,s=d.currentScript||d.querySelector("script[data-page]"),r=d.documentElement,old=w.affluenza||{},last,ask,hints={},wait=[];
if(!s||old.visit)return;
function is(a){return s.hasAttribute(a)}
function off(){return n.doNotTrack=="1"||w.doNotTrack=="1"||n.globalPrivacyControl===true||r.hasAttribute("data-affluenza-opt-out")||is("data-opt-out")}
function uuid(){var b=crypto.getRandomValues(new Uint8Array(16)),t=Date.now(),i=6,h="";
while(i--){b[i]=t%256;t=Math.floor(t/256)}
b[6]=b[6]&15|112;b[8]=b[8]&63|128;
for(i=0;i<16;i++)h+=(i>3&&i<11&&!(i%2)?"-":"")+(b[i]+256).toString(16).slice(1);
return h}
function post(o){for(var k in hints)o[k]=hints[k];
var u=s.src.replace(/\.js([?#].*)?$/,""),t=JSON.stringify(o);
try{if(n.sendBeacon&&n.sendBeacon(u,t))return}catch(e){}
w.fetch&&fetch(u,{method:"POST",body:t,keepalive:true,credentials:"omit"}).catch(function(){})}
function flush(){ask=0;wait.splice(0).forEach(post)}
function path(){var p=location.pathname,q=new URLSearchParams(location.search),a=[];
(s.getAttribute("data-query")||"").split(/[ ,]+/).forEach(function(k){k&&q.has(k)&&a.push(k+"="+q.get(k))});
return p+(a.length?"?"+a.join("&"):"")+(is("data-hash")?location.hash:"")}
function send(o){if(off())return;
o.page=s.getAttribute("data-page");o.id=uuid();o.time=new Date().toISOString();o.path=path();
o.service=o.service||r.getAttribute("data-affluenza-service")||s.getAttribute("data-service")||"";
o.touch_points=Math.min(n.maxTouchPoints||0,255);
wait.push(o);ask||flush()}
function visit(){if(last!==path()){last=path();send({})}}
function use(service,kind,more){send(Object.assign({},more,{service:service,kind:kind||"plain"}))}
function start(){var a=n.userAgentData;
if(a&&a.getHighEntropyValues&&!off()){ask=1;
a.getHighEntropyValues(["formFactors"]).then(function(v){hints={mobile:v.mobile,platform:v.platform,form_factors:v.formFactors||[]};flush()},flush);
setTimeout(flush,1000)}
visit();(old.q||[]).forEach(function(a){use.apply(0,a)})}
["pushState","replaceState"].forEach(function(k){var f=history[k];history[k]=function(){var x=f.apply(this,arguments);setTimeout(visit);return x}});
w.addEventListener("popstate",visit);
w.addEventListener("pagehide",flush);
w.addEventListener("pageshow",function(e){if(e.persisted){last=0;visit()}});
w.affluenza={use:use,visit:function(){last=0;visit()}};
d.prerendering?d.addEventListener("prerenderingchange",start,{once:true}):start()
})();

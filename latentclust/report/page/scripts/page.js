// Marks the section that is read in the navigation.

const links = new Map(
  [...document.querySelectorAll(".page-nav a")].map((link) => [link.hash.slice(1), link]),
);

function markSection(id) {
  for (const [key, link] of links) {
    if (key === id) {
      link.setAttribute("aria-current", "true");
      link.parentElement.parentElement.scrollLeft = link.offsetLeft - 40;
    } else {
      link.removeAttribute("aria-current");
    }
  }
}

const inView = new Set();
const watcher = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) inView.add(entry.target.id);
      else inView.delete(entry.target.id);
    }
    const first = [...links.keys()].find((key) => inView.has(key));
    if (first) markSection(first);
  },
  { rootMargin: "-15% 0px -70% 0px" },
);
for (const id of links.keys()) watcher.observe(document.getElementById(id));

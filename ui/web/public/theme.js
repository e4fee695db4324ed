// Before the first paint, so that a page chosen to be light never flashes dark.
{
  const chosen = localStorage.getItem('theme')
  const system = matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark'
  document.documentElement.dataset.theme = chosen ?? system
}

// Lets the help page be kept for when there is no connection.
navigator.serviceWorker?.register("/sw.js").catch(() => undefined); // Without it everything else works.

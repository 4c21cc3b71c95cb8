// Chooses the time zone of the device, where the form still has none.
const zones = document.getElementById("time_zone");
const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (!zones.value && [...zones.options].some((option) => option.value === here)) zones.value = here;

"""A Canvas LMS that behaves like one towards a student's client: data, OAuth, paging, throttle and faults."""

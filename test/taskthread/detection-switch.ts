/** Whether a wait that closes a circle fails: a test puts this between the walk and what is done about it. */
export const detection: { isOn: () => boolean } = { isOn: () => true };

const { greeting } = JSON.parse(process.argv[2] ?? '{}') as { greeting: string }

process.on('message', (message: { type: string; text?: string }) => {
  if (message.type === 'echo') process.send?.({ type: 'echo', text: message.text })
  if (message.type === 'fail') throw new Error('as you wish')
  if (message.type === 'leave') process.send?.({ type: 'farewell' }, () => process.disconnect())
})
process.send?.({ type: 'ready', greeting })

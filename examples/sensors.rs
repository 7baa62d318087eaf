//! Five commands of a program's own, on data of its own: thermometers report, and clients ask, wait and follow.
//!
//! `cargo run --example sensors`, then `redis-cli -3 -p PORT` and SENSOR HELP.

use std::{collections::HashMap, sync::mpsc, thread, time::Duration};

use respd::{Args, Builder, Command, Commands, Ctx, Error, Keys, args};

/// What the commands share: the temperature that each sensor has reported last, in °C.
type Sensors = HashMap<Vec<u8>, f64>;

/// Whether a connection is told temperatures in °F.
#[derive(Default)]
struct Fahrenheit(bool);

/// SENSOR UNIT C|F
fn unit(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    ctx.local::<Fahrenheit>().0 = args.is(2, "F");
    ctx.reply().ok();
    Ok(())
}

/// SENSOR REPORT sensor celsius: whether it is the first report of this sensor.
fn report(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (sensor, celsius) = (args[2].to_vec(), args.double(3)?);
    let (sensors, reply) = ctx.state_and_reply::<Sensors>();
    reply.boolean(sensors.insert(sensor, celsius).is_none());
    ctx.signal(&args[2]);
    Ok(())
}

/// SENSOR ALL: a map of all sensors, which is an array in RESP2.
fn all(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let Fahrenheit(fahrenheit) = *ctx.local();
    let (sensors, reply) = ctx.state_and_reply::<Sensors>();
    reply.map(sensors.len());
    for (sensor, celsius) in &*sensors {
        reply.bulk(sensor);
        reply.double(if fahrenheit { *celsius * 1.8 + 32.0 } else { *celsius });
    }
    Ok(())
}

/// SENSOR GET sensor ms: its temperature, or null if it has none within this time.
fn get(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let ms = u64::try_from(args.int(3)?).map_err(|_| "the time is negative")?;
    let (sensors, reply) = ctx.state_and_reply::<Sensors>();
    if let Some(celsius) = sensors.get(&args[2]) {
        reply.double(*celsius);
    } else {
        reply.null();
        // SENSOR REPORT signals this, and the command runs again.
        ctx.wait_for(&args[2], Some(Duration::from_millis(ms)));
    }
    Ok(())
}

fn main() -> std::io::Result<()> {
    let (sender, followed) = mpsc::channel();
    // SENSOR FOLLOW sensor: its temperature is pushed to this client all the time.
    let follow = move |ctx: &mut Ctx<'_>, args: Args<'_>| {
        let follower = (ctx.client().id(), args[2].to_vec());
        sender.send(follower).map_err(|_| "there is no thread that pushes")?;
        ctx.reply().ok();
        Ok(())
    };
    let key = || Keys::at(2);
    let commands = [
        Command::new("unit", unit).synopsis("unit"),
        Command::new("all", all).reads().arity(2..=2),
        Command::new("report", report).writes().key(key()).synopsis("sensor:key celsius:double"),
        Command::new("get", get)
            .reads()
            .flags("blocking")
            .key(key())
            .synopsis("sensor:key ms:integer"),
        Command::new("follow", follow).reads().key(key()).synopsis("sensor:key"),
    ];
    let commands = commands.map(|command| command.category("sensors")).into_iter();
    let sensor = commands.fold(Command::container("sensor"), Command::subcommand);
    let commands = Commands::new("sensors").state(Sensors::new()).add(sensor);
    let server = Builder::connection_layer().any_port().commands(commands).bind()?;
    println!("listening on {}", server.addr().expect("a port"));
    let handle = server.handle();
    thread::spawn(move || {
        let mut followers: Vec<(u64, Vec<u8>)> = Vec::new();
        loop {
            thread::sleep(Duration::from_millis(100));
            followers.extend(followed.try_iter());
            // A client that has gone is pushed nothing, and follows no longer.
            followers.retain(|(client, sensor)| {
                let celsius = handle.call(args!["SENSOR", "GET", sensor, 0]).as_f64();
                let sensor = sensor.clone();
                handle.push(*client, move |push| {
                    push.push(3);
                    push.bulk(b"temperature");
                    push.bulk(&sensor);
                    push.double(celsius.unwrap_or(f64::NAN));
                })
            });
        }
    });
    server.run()
}
